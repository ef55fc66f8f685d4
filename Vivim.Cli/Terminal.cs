using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;
using Vivim.Protocol;

namespace Vivim.Cli;

/// <summary>
/// What a command shows: with <c>--json</c> one JSON object, or one a line for streams, on standard output and nothing else there;
/// otherwise text for people. Errors and progress go to standard error. Everything is made printable here: nothing that a node, a file or an argument
/// holds can move the cursor, feign a line or reorder letters.
/// </summary>
public sealed class Terminal
{
    private const int WidthWhenRedirected = 200;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly SearchValues<char> LowerCase = SearchValues.Create("abcdefghijklmnopqrstuvwxyz");

    private readonly TextWriter output;
    private readonly TextWriter error;
    private readonly Page page;
    private readonly bool isErrorWatched;

    public Terminal(bool json, TextWriter output, TextWriter error)
    {
        IsJson = json;
        this.output = PrintableWriter.Of(output);
        this.error = PrintableWriter.Of(error);
        // A person watches where these are the process's own streams, and lead to a terminal.
        var isWatched = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;
        isErrorWatched = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;
        var console = Create(output, isWatched);
        page = new Page(this.output, console, isWatched && console.Profile.Capabilities.Ansi);
        Progress = Create(error, isErrorWatched);
    }

    public bool IsJson { get; }

    /// <summary>True when a progress bar has somebody to watch it, or a log to be read.</summary>
    public bool ShowsProgress => !IsJson || isErrorWatched;

    /// <summary>Standard error, for <see cref="ProgressBars"/>, which has nothing to show but numbers.</summary>
    internal IAnsiConsole Progress { get; }

    /// <summary>Shows a result: <paramref name="value"/> as JSON, or what <paramref name="text"/> puts on the page.</summary>
    public void Show<T>(T value, Action<Page> text)
    {
        if (IsJson) output.WriteLine(JsonOf(value));
        else text(page);
    }

    /// <summary>Shows a result as JSON, or its fields as a two-column table.</summary>
    public void Show<T>(T value, params (string Name, object? Value)[] fields) => Show(value, text => text.Fields(fields));

    /// <summary>Shows a result as JSON, or as a line that no width of a terminal breaks, for scripts that read it.</summary>
    public void ShowLine<T>(T value, PrintableLine line) => Show(value, text => text.Line(line));

    /// <summary>As <see cref="ShowLine"/>, for several lines.</summary>
    public void ShowLines<T>(T value, IReadOnlyList<PrintableLine> lines) => Show(value, text =>
    {
        foreach (var line in lines) text.Line(line);
    });

    /// <summary>A remark for people beside the result; nothing with <c>--json</c>.</summary>
    public void Remark(PrintableLine sentence)
    {
        if (!IsJson) error.WriteLine(sentence.ToString());
    }

    public void Fail(string reason, string message) =>
        error.WriteLine(IsJson ? JsonOf(new { error = new { reason, message } }) : Sentence(PrintableText.Of(message, PrintableText.MaxFieldLength)));

    private static string JsonOf<T>(T value) => PrintableText.OfJson(JsonSerializer.Serialize(value, Json));

    private static string Sentence(string message)
    {
        var firstWord = message.AsSpan(0, Math.Max(message.IndexOf(' ', StringComparison.Ordinal), 0));
        var isName = firstWord.ContainsAnyExcept(LowerCase);
        var end = message.Length > 0 && message[^1] is '.' or '?' ? "" : ".";
        return isName || firstWord.IsEmpty ? message + end : char.ToUpperInvariant(message[0]) + message[1..] + end;
    }

    private static IAnsiConsole Create(TextWriter writer, bool isWatched)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer), Ansi = isWatched ? AnsiSupport.Detect : AnsiSupport.No });
        if (!isWatched) console.Profile.Width = WidthWhenRedirected;
        return console;
    }
}
