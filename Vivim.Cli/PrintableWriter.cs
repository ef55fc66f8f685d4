using System.Text;
using Vivim.Protocol;

namespace Vivim.Cli;

/// <summary>
/// Passes on what is printable, and line breaks; every other character is shown by its number. The last guard before the terminal.
/// </summary>
internal sealed class PrintableWriter(TextWriter inner) : TextWriter
{
    /// <summary>A writer to the same place. The place stays its owner's to close.</summary>
    public static TextWriter Of(TextWriter inner) => new PrintableWriter(inner);

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Write(value.ToString());

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(string? value) => inner.Write(string.Join('\n', (value ?? "").Split('\n').Select(static line => PrintableText.Of(line))));

    public override void WriteLine(string? value) => Write(value + "\n");

    public override void Flush() => inner.Flush();
}
