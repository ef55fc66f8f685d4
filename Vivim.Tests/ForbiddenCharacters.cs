using System.Buffers;
using System.Globalization;
using System.Text;

namespace Vivim.Tests;

/// <summary>What no line that is printed may hold, judged by Unicode's categories and by nothing of the code that is judged.</summary>
internal static class ForbiddenCharacters
{
    /// <summary>
    /// Everything in a text that a terminal could obey, or that shows nothing, but for the joiners that scripts and emoji need.
    /// </summary>
    public static IEnumerable<string> In(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            var isWhole = Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length) == OperationStatus.Done;
            if (!isWhole || IsForbidden(rune)) yield return $"U+{(isWhole ? rune.Value : text[at]):X4} at {at}";
            at += length;
        }
    }

    private static bool IsForbidden(Rune rune) => rune.Value is not (0x200C or 0x200D) && Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned;
}
