using Spectre.Console;
using Vivim.Protocol;

namespace Vivim.Cli;

/// <summary>What a command shows to people: lines, tables and fields. Each value is made printable first, and colours come after.</summary>
public sealed class Page
{
    private static readonly Style Faint = new(Color.Grey);

    private readonly TextWriter lines;
    private readonly IAnsiConsole console;
    private readonly bool isColoured;

    /// <param name="lines">For what no width of a terminal breaks.</param>
    /// <param name="console">The same output, for what is laid out.</param>
    internal Page(TextWriter lines, IAnsiConsole console, bool isColoured)
    {
        this.lines = lines;
        this.console = console;
        this.isColoured = isColoured;
    }

    /// <summary>A line that no width of a terminal breaks, for scripts that read it.</summary>
    public void Line(PrintableLine line) => lines.WriteLine(line.ToString());

    /// <summary>A line with a faint beginning and a coloured word; without colours, and unbroken, where nobody watches.</summary>
    public void Line(PrintableLine before, PrintableLine word, PrintableLine after, Color color)
    {
        if (isColoured) console.Write(new Paragraph(before.ToString(), Faint).Append(word.ToString(), new Style(color)).Append(after + "\n"));
        else Line($"{before}{word}{after}");
    }

    /// <summary>Rows under columns. A cell is a value, or several texts below each other.</summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows)
    {
        var table = new Table().Border(TableBorder.Minimal);
        foreach (var column in columns) table.AddColumn(new TableColumn(TextOf(column)));
        foreach (var row in rows) table.AddRow([.. row.Select(cell => TextOf(cell))]);
        console.Write(table);
    }

    /// <summary>Names and values beside each other. A value may be several texts, below each other.</summary>
    public void Fields(IEnumerable<(string Name, object? Value)> fields)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(3)).AddColumn();
        foreach (var (name, value) in fields) grid.AddRow(TextOf(name, Faint), TextOf(value));
        console.Write(grid);
    }

    /// <summary>As text: markup would take what is in brackets for styles, and the <c>:key:</c> of a DID for an emoji.</summary>
    private static Text TextOf(object? value, Style? style = null) =>
        new(value is IEnumerable<string> several ? string.Join('\n', several.Select(Printable)) : Printable($"{value}"), style);

    private static string Printable(string text) => PrintableText.Of(text, PrintableText.MaxFieldLength);
}
