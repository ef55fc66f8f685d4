using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace Vivim.Cli;

/// <summary>
/// What a command shows: with <c>--json</c> one JSON object, or one a line for streams, on standard output and nothing else there;
/// otherwise text for people. Errors and progress go to standard error.
/// </summary>
public sealed class Terminal
{
    private const int WidthWhenRedirected = 200;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly SearchValues<char> LowerCase = SearchValues.Create("abcdefghijklmnopqrstuvwxyz");

    private readonly TextWriter output;
    private readonly TextWriter error;

    public Terminal(bool json, TextWriter output, TextWriter error)
    {
        IsJson = json;
        this.output = output;
        this.error = error;
        Text = Create(output, Console.IsOutputRedirected);
        Progress = Create(error, Console.IsErrorRedirected);
    }

    public bool IsJson { get; }

    /// <summary>True when a person watches the lines come, on a terminal that knows colours.</summary>
    public bool IsColoured => !IsJson && !Console.IsOutputRedirected && Text.Profile.Capabilities.Ansi;

    /// <summary>Standard output for people. Unused with <c>--json</c>.</summary>
    public IAnsiConsole Text { get; }

    /// <summary>Standard error, where progress bars are drawn.</summary>
    public IAnsiConsole Progress { get; }

    /// <summary>True when a progress bar has somebody to watch it, or a log to be read.</summary>
    public bool ShowsProgress => !IsJson || !Console.IsErrorRedirected;

    /// <summary>Shows a result: <paramref name="value"/> as JSON, or what <paramref name="text"/> writes.</summary>
    public void Show<T>(T value, Action<IAnsiConsole> text)
    {
        if (IsJson) output.WriteLine(JsonSerializer.Serialize(value, Json));
        else text(Text);
    }

    /// <summary>Shows a result as JSON, or its fields as a two-column table.</summary>
    public void Show<T>(T value, params (string Name, object? Value)[] fields) => Show(value, text => text.Write(FieldsOf(fields)));

    /// <summary>Shows a result as JSON, or as lines that no width of a terminal breaks, for scripts that read them.</summary>
    public void ShowLines<T>(T value, params IReadOnlyList<string> lines) => Show(value, _ =>
    {
        foreach (var line in lines) output.WriteLine(line);
    });

    /// <summary>A remark for people beside the result; nothing with <c>--json</c>.</summary>
    public void Remark(string sentence)
    {
        if (!IsJson) error.WriteLine(sentence);
    }

    public void Fail(string reason, string message) =>
        error.WriteLine(IsJson ? JsonSerializer.Serialize(new { error = new { reason, message } }, Json) : Sentence(message));

    /// <summary>As texts: markup would take what is in brackets for styles, and the <c>:key:</c> of a DID for an emoji.</summary>
    public static Table TableOf(IReadOnlyList<string> columns, IEnumerable<string[]> rows)
    {
        var table = new Table().Border(TableBorder.Minimal);
        foreach (var column in columns) table.AddColumn(column);
        foreach (var row in rows) table.AddRow([.. row.Select(cell => new Text(cell))]);
        return table;
    }

    /// <summary>Names and values beside each other.</summary>
    public static Grid FieldsOf(IEnumerable<(string Name, object? Value)> fields)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(3)).AddColumn();
        foreach (var (name, value) in fields) grid.AddRow(new Text(name, new Style(Color.Grey)), new Text($"{value}"));
        return grid;
    }

    private static string Sentence(string message)
    {
        var firstWord = message.AsSpan(0, Math.Max(message.IndexOf(' ', StringComparison.Ordinal), 0));
        var isName = firstWord.ContainsAnyExcept(LowerCase);
        var end = message.Length > 0 && message[^1] is '.' or '?' ? "" : ".";
        return isName || firstWord.IsEmpty ? message + end : char.ToUpperInvariant(message[0]) + message[1..] + end;
    }

    private static IAnsiConsole Create(TextWriter writer, bool redirected)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        if (redirected) console.Profile.Width = WidthWhenRedirected;
        return console;
    }
}
