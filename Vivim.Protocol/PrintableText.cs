using System.Globalization;
using System.Text;

namespace Vivim.Protocol;

/// <summary>
/// Makes text from elsewhere safe to print. A terminal obeys some characters instead of showing them: they move the cursor, change the
/// window's title or the order of the letters. Such a character is shown by its number, e.g. <c>\u{1B}</c>; names in any script and
/// emoji stay as they are.
/// </summary>
/// <remarks>
/// Shown by number are: controls (C0 with line breaks and tabs, DEL, C1), format characters (bidi, zero-width, tags), line and
/// paragraph separators, private-use and unassigned code points, lone surrogates, letters and marks that are invisible.
/// Zero-width joiners and variation selectors stay where scripts and emoji need them: once, after a visible character that is
/// not an ASCII letter.
/// A text that spells out <c>\u{1B}</c> looks like an escape, and harms nobody; whoever must tell them apart reads the JSON form.
/// </remarks>
public static class PrintableText
{
    /// <summary>The longest field of a line that is printed, in UTF-16 characters.</summary>
    public const int MaxFieldLength = 4_096;

    private const char Ellipsis = '…';

    private enum Kind
    {
        /// <summary>Shown by its number.</summary>
        Escaped,

        /// <summary>An ASCII character to which nothing invisible belongs.</summary>
        Plain,

        /// <summary>A character that a variation selector or a joiner may follow.</summary>
        Visible,

        VariationSelector,
        Joiner,
    }

    /// <summary>The text on one line, for a terminal or a log.</summary>
    /// <param name="maxLength">UTF-16 characters of the result, at least 1; a longer one is cut and ends with an ellipsis.</param>
    public static string Of(string text, int maxLength = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        return Escape(text, maxLength, static codePoint => $"\\u{{{codePoint:X}}}");
    }

    /// <summary>
    /// A text that is JSON, with the same characters spelled as JSON spells them: the same JSON value. Outside of strings JSON has
    /// nothing but ASCII characters, and may have line breaks there, which stay.
    /// </summary>
    public static string OfJson(string json) => string.Join('\n', json.Split('\n').Select(static line =>
        Escape(line, int.MaxValue, static codePoint => string.Concat(UnitsOf(codePoint).Select(static unit => $"\\u{(int)unit:X4}")))));

    private static string UnitsOf(int codePoint) => Rune.IsValid(codePoint) ? new Rune(codePoint).ToString() : ((char)codePoint).ToString();

    private static string Escape(string text, int maxLength, Func<int, string> spell)
    {
        if (text.Length <= maxLength && !text.AsSpan().ContainsAnyExceptInRange(' ', '~')) return text;
        var printable = new StringBuilder();
        var (previous, cut) = (Kind.Escaped, 0);
        for (var rest = text.AsSpan(); rest.Length > 0;)
        {
            var isWhole = Rune.DecodeFromUtf16(rest, out var rune, out var length) == System.Buffers.OperationStatus.Done;
            previous = isWhole ? KindOf(rune, previous) : Kind.Escaped;
            if (previous == Kind.Escaped) printable.Append(spell(isWhole ? rune.Value : rest[0]));
            else printable.Append(rest[..length]);
            if (printable.Length > maxLength) return printable.Append(Ellipsis).Remove(cut, printable.Length - 1 - cut).ToString();
            if (printable.Length < maxLength) cut = printable.Length;
            rest = rest[length..];
        }

        return printable.ToString();
    }

    /// <param name="previous">The character before it; what is invisible is bound to what it follows.</param>
    private static Kind KindOf(Rune rune, Kind previous) => rune.Value switch
    {
        >= '0' and <= '9' => Kind.Visible,
        >= ' ' and <= '~' => Kind.Plain,
        0x200C or 0x200D => previous is Kind.Visible or Kind.VariationSelector ? Kind.Joiner : Kind.Escaped,
        >= 0xFE00 and <= 0xFE0F => previous == Kind.Visible ? Kind.VariationSelector : Kind.Escaped,
        // Letters and marks that Unicode calls ignorable: fillers of Hangul, the grapheme joiner, Khmer and Mongolian ones, selectors of plane 14.
        0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or (>= 0x180B and <= 0x180F) or 0x3164 or 0xFFA0 or >= 0xE0000 => Kind.Escaped,
        _ => Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned => Kind.Escaped,
            _ => Kind.Visible,
        },
    };
}
