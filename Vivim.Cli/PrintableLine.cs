using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Vivim.Protocol;

namespace Vivim.Cli;

/// <summary>
/// A line to print, written as an interpolated string: what stands in the source stays as it is, and every value that is put in is made
/// printable and cut to <see cref="PrintableText.MaxFieldLength"/>. There is no way to make one of a string that comes from elsewhere.
/// </summary>
[InterpolatedStringHandler]
public readonly struct PrintableLine
{
    private readonly StringBuilder text;

    /// <summary>For the compiler.</summary>
    public PrintableLine(int literalLength, int formattedCount) => text = new StringBuilder(literalLength + (16 * formattedCount));

    /// <summary>For the compiler: a part that stands in the source.</summary>
    public void AppendLiteral(string literal) => text.Append(literal);

    /// <summary>For the compiler: a value.</summary>
    public void AppendFormatted<T>(T value, int alignment = 0, string? format = null)
    {
        var plain = value is IFormattable formattable ? formattable.ToString(format, CultureInfo.InvariantCulture) : value?.ToString();
        var printable = PrintableText.Of(plain ?? "", PrintableText.MaxFieldLength);
        text.Append(alignment < 0 ? printable.PadRight(-alignment) : printable.PadLeft(alignment));
    }

    public override string ToString() => text?.ToString() ?? "";
}
