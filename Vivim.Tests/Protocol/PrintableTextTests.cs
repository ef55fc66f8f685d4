using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Xunit;
using Vivim.Protocol;

namespace Vivim.Tests.Protocol;

/// <summary>Whatever text comes from elsewhere, what is printed of it is printable, bounded, and readable where it was.</summary>
public sealed class PrintableTextTests
{
    /// <summary>For each script and sequence of emoji a text that people write.</summary>
    public static TheoryData<string> Ordinary =>
    [
        "", " ", "plain ASCII, with \"quotes\", back\\slashes, [brackets] and ~tilde~", "C:\\users\\u{1B}", "Zoë Øst, naïve façade", "Ελένη", "Мария Петрова", "שרה לוי", "فاطمة الزهراء",
        "می\u200cخواهم", "क्‍ष", "สมชาย", "山田太郎", "김철수", "👩\u200d👩\u200d👧\u200d👦", "🏳️\u200d🌈", "❤️\u200d🔥", "1️⃣", "👍🏽", "a\u00a0b", "e\u0301", "𝒳 and 𠮷", "“curly” — dashes …",
    ];

    [Theory]
    [MemberData(nameof(Ordinary))]
    public void What_people_write_stays_as_it_is(string text)
    {
        Assert.Equal(text, PrintableText.Of(text));
        Assert.Equal(text, PrintableText.OfJson(text));
    }

    [Theory]
    [InlineData("\e[2J", "\\u{1B}[2J")]
    [InlineData("\e]0;title\a", "\\u{1B}]0;title\\u{7}")]
    [InlineData("a\r\n\tb\0\u007f", "a\\u{D}\\u{A}\\u{9}b\\u{0}\\u{7F}")]
    [InlineData("\u009b31m\u0085", "\\u{9B}31m\\u{85}")]
    [InlineData("\u202egnp.exe\u2066\u200f\u061c", "\\u{202E}gnp.exe\\u{2066}\\u{200F}\\u{61C}")]
    [InlineData("\ufeffa\u200bb\u00adc\u2060", "\\u{FEFF}a\\u{200B}b\\u{AD}c\\u{2060}")]
    [InlineData("a\u2028b\u2029c", "a\\u{2028}b\\u{2029}c")]
    [InlineData("hid\U000E0041den\U000E0100", "hid\\u{E0041}den\\u{E0100}")]
    [InlineData("\ue000\uffff\u3164", "\\u{E000}\\u{FFFF}\\u{3164}")]
    [InlineData("ad\u200dmin\u200c", "ad\\u{200D}min\\u{200C}")]
    [InlineData("é\u200d\u200d\ufe0f\ufe0f", "é\u200d\\u{200D}\\u{FE0F}\\u{FE0F}")]
    public void What_a_terminal_obeys_or_does_not_show_is_shown_by_its_number(string text, string printed) => Assert.Equal(printed, PrintableText.Of(text));

    /// <summary>A fact of its own, as no attribute can hold half a character.</summary>
    [Fact]
    public void Half_a_character_is_shown_by_its_number()
    {
        Assert.Equal("\\u{D83D}x\\u{DC00}\\u{D83D}", PrintableText.Of("\ud83dx\udc00\ud83d"));
        Assert.Equal("\"\\uD83Dx\"", PrintableText.OfJson("\"\ud83dx\""));
    }

    [Fact]
    public void No_code_point_gets_through_that_is_not_printable()
    {
        for (var codePoint = 0; codePoint <= 0x10FFFF; codePoint++)
        {
            var text = Rune.IsValid(codePoint) ? new Rune(codePoint).ToString() : ((char)codePoint).ToString();
            foreach (var around in (string[])[text, $"a{text}b", $"é{text}é", $"\u200d{text}\u202e"]) AssertPrintable(PrintableText.Of(around));
        }
    }

    [Property(MaxTest = 2_000)]
    public void Any_text_becomes_printable_once_and_for_all_and_no_longer_than_its_bound(string? random, int[] codePoints, byte bound)
    {
        var text = (random ?? "") + string.Concat(codePoints.Select(c => (char)(ushort)c)) + string.Concat(codePoints.Select(c => Hostile[(int)((uint)c % Hostile.Length)]));
        var (whole, max) = (PrintableText.Of(text), 1 + bound);
        var cut = PrintableText.Of(text, max);

        AssertPrintable(whole);
        AssertPrintable(cut);
        Assert.Equal(whole, PrintableText.Of(whole));
        Assert.Equal(cut, PrintableText.Of(cut, max));
        if (whole.Length <= max) Assert.Equal(whole, cut);
        else
        {
            Assert.InRange(cut.Length, 1, max);
            Assert.EndsWith("…", cut, StringComparison.Ordinal);
            Assert.StartsWith(cut[..^1], whole, StringComparison.Ordinal);
        }
    }

    [Property(MaxTest = 500)]
    public void Json_that_is_made_printable_is_the_same_json(string? random, int[] codePoints)
    {
        var text = (random ?? "") + string.Concat(codePoints.Select(c => Hostile[(int)((uint)c % Hostile.Length)]));
        var json = JsonSerializer.Serialize(new { text }, Relaxed);
        var printable = PrintableText.OfJson(json);
        foreach (var line in printable.Split('\n')) AssertPrintable(line);
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(json).RootElement, JsonDocument.Parse(printable).RootElement));
    }

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = true };

    private static readonly string[] Hostile = ["\e[31m", "\u009b", "\u202e", "\u2066", "\u200d", "\ufe0f", "é", "👩", "\ud83d", "\udc00", "\n", "\u2028", "\U000E0041", "x", "\\u{1B}", "\u00ad"];

    private static void AssertPrintable(string text) => Assert.Empty(ForbiddenCharacters.In(text));
}
