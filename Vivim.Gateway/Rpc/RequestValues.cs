using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Gateway.Rpc;

/// <summary>Reads the text forms of requests; a wrong one is INVALID_ARGUMENT with a sentence.</summary>
internal static class RequestValues
{
    /// <summary>Digits of the id of a W3C trace.</summary>
    private const int CorrelationIdLength = 32;

    public static Did Did(string text) => Protocol.Identity.Did.TryParse(text, out var did) ? did : throw RpcErrors.InvalidArgument("a DID is did:vivim:b… or did:key:z6Mk… (Ed25519)");

    public static Did RegisteredDid(string text) => Did(text) is { Method: DidMethod.Vivim } did ? did : throw RpcErrors.InvalidArgument("a did:vivim is needed here, not a did:key");

    public static Hash256 Hash(string text) =>
        text.Length == Hash256.Size * 2 && text.All(char.IsAsciiHexDigit) ? Hash256.FromHex(text) : throw RpcErrors.InvalidArgument("an id is 64 hexadecimal digits");

    /// <summary>A name that the caller chooses.</summary>
    /// <param name="field">As the request calls it.</param>
    public static string Name(string text, string field, int maxLength) =>
        ChosenName.IsValid(text, maxLength) ? text : throw RpcErrors.InvalidArgument($"{field} has {ChosenName.FormOf(maxLength)}");

    /// <summary>The id of a call, or nothing.</summary>
    public static string CorrelationId(string text) =>
        text.Length == 0 || (text.Length == CorrelationIdLength && text.All(char.IsAsciiHexDigitLower)) ? text : throw RpcErrors.InvalidArgument($"a correlation id is {CorrelationIdLength} hexadecimal digits");

    public static EventCursor Cursor(string text)
    {
        if (text.Length == 0) return default;
        try
        {
            return EventCursor.Parse(text);
        }
        catch (FormatException e)
        {
            throw RpcErrors.InvalidArgument(e.Message);
        }
    }
}
