using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Gateway.Rpc;

/// <summary>Reads the text forms of requests; a wrong one is INVALID_ARGUMENT with a sentence.</summary>
internal static class RequestValues
{
    public static Did Did(string text) => Protocol.Identity.Did.TryParse(text, out var did) ? did : throw RpcErrors.InvalidArgument("a DID is did:vivim:b… or did:key:z6Mk… (Ed25519)");

    public static Did RegisteredDid(string text) => Did(text) is { Method: DidMethod.Vivim } did ? did : throw RpcErrors.InvalidArgument("a did:vivim is needed here, not a did:key");

    public static Hash256 Hash(string text) =>
        text.Length == Hash256.Size * 2 && text.All(char.IsAsciiHexDigit) ? Hash256.FromHex(text) : throw RpcErrors.InvalidArgument("an id is 64 hexadecimal digits");

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
