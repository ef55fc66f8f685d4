namespace Vivim.Protocol;

/// <summary>
/// A name that a caller chooses for something, such as a task or a key: letters, digits, '-', '.' and '_', ASCII only, so that it is
/// the same everywhere and can be printed.
/// </summary>
public static class ChosenName
{
    /// <summary>What such a name looks like, in words.</summary>
    public static string FormOf(int maxLength) => $"1 to {maxLength} letters, digits, '-', '.' or '_'";

    public static bool IsValid(string text, int maxLength) =>
        text.Length > 0 && text.Length <= maxLength && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_');
}
