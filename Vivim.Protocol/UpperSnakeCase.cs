using System.Text;

namespace Vivim.Protocol;

/// <summary>Spells enumeration members as the wire and the command line show them: <c>NonceStale</c> is <c>NONCE_STALE</c>.</summary>
public static class UpperSnakeCase
{
    public static string Of(string pascalCase)
    {
        var text = new StringBuilder(pascalCase.Length + 4);
        foreach (var letter in pascalCase)
        {
            if (char.IsAsciiLetterUpper(letter) && text.Length > 0) text.Append('_');
            text.Append(char.ToUpperInvariant(letter));
        }

        return text.ToString();
    }
}
