using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;

namespace Vivim.Protocol.Identity;

/// <summary>
/// Proves for a few minutes, to the nodes of one chain, that a caller holds the key of a did:key (docs/spec/tokens.md). Whoever has the text can
/// call as its owner while it is valid, so it is sent over loopback or TLS and never logged.
/// </summary>
/// <param name="ChainId">The chain it is for.</param>
/// <param name="Caller">The owner's did:key.</param>
/// <param name="IssuedAt">Milliseconds since 1970 (UTC).</param>
/// <param name="ExpiresAt">The same; the first moment at which it is no longer valid.</param>
/// <param name="Signature">The caller's, over all of it.</param>
public sealed record CallerToken(string ChainId, Did Caller, long IssuedAt, long ExpiresAt, Signature Signature)
{
    /// <summary>No token is valid for longer.</summary>
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromMinutes(5);

    /// <summary>How far the clocks of caller and node may differ at the beginning of a token's time.</summary>
    public static readonly TimeSpan ClockDifference = TimeSpan.FromSeconds(30);

    /// <summary>No token's text is longer, in characters.</summary>
    public const int MaxTextLength = (((2 + Transaction.MaxChainIdLength + Did.Size + 8 + 8 + Signature.Size) * 4) + 2) / 3;

    /// <summary>Makes and signs a token.</summary>
    /// <param name="issuedAt">Milliseconds since 1970 (UTC).</param>
    /// <param name="lifetime">At most <see cref="MaxLifetime"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">No token may live as long.</exception>
    public static CallerToken Sign(string chainId, SigningKey key, long issuedAt, TimeSpan lifetime)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(lifetime, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lifetime, MaxLifetime);
        var caller = Did.OfKey(key.PublicKey);
        var expiresAt = issuedAt + (lifetime.Ticks / TimeSpan.TicksPerMillisecond);
        return new CallerToken(chainId, caller, issuedAt, expiresAt, key.Sign(SignedBytes(chainId, caller, issuedAt, expiresAt)));
    }

    /// <summary>The token as it is sent: base64url without padding. A secret while it is valid.</summary>
    public string ToText()
    {
        var writer = new CanonicalWriter().Text(ChainId);
        EncodeBody(writer, Caller, IssuedAt, ExpiresAt);
        return Base64Url.EncodeToString(writer.Raw(Signature.Bytes).Written);
    }

    /// <summary>Reads the text of a token and checks everything about it.</summary>
    /// <param name="chainId">The chain that the token must be for.</param>
    /// <param name="now">Milliseconds since 1970 (UTC).</param>
    /// <param name="token">The token where it is valid, else null.</param>
    /// <param name="refusal">Why it proves nothing; null where it is valid.</param>
    public static bool TryVerify(string text, string chainId, long now, [NotNullWhen(true)] out CallerToken? token, [NotNullWhen(false)] out TokenRefusal? refusal)
    {
        token = null;
        try
        {
            var read = Parse(text);
            refusal = read.Check(chainId, now);
            if (refusal is null) token = read;
        }
        catch (MalformedException e)
        {
            refusal = new TokenRefusal(TokenRefusalReason.Malformed, $"this is not a caller token: {e.Message}");
        }

        return token is not null;
    }

    /// <summary>Reads the text of a token, and checks nothing but its form.</summary>
    /// <exception cref="MalformedException">It is none, or its lifetime is not possible.</exception>
    public static CallerToken Parse(string text)
    {
        if (text.Length > MaxTextLength) throw new MalformedException($"it has {text.Length} characters, at most {MaxTextLength} are allowed");
        var token = Decode(Bytes(text));
        // Base64 has several spellings of some bytes: spaces, padding, bits left over.
        return token.ToText() == text ? token : throw new MalformedException("it is not base64url without padding");
    }

    /// <summary>Without the signature: the whole text would let its reader call.</summary>
    public override string ToString() => $"caller token of {Caller} on {ChainId}, {IssuedAt} to {ExpiresAt}";

    private TokenRefusal? Check(string chainId, long now)
    {
        if (ChainId != chainId) return new TokenRefusal(TokenRefusalReason.WrongChain, $"the token is for another chain than {chainId}: sign one for this chain");
        if (IssuedAt - now > ClockDifference.Ticks / TimeSpan.TicksPerMillisecond) return new TokenRefusal(TokenRefusalReason.NotYetValid, $"the token is valid only in {(IssuedAt - now) / 1_000} s: set the clocks of both machines");
        if (now >= ExpiresAt) return new TokenRefusal(TokenRefusalReason.Expired, $"the token expired {(now - ExpiresAt) / 1_000} s ago: sign another, and set the clocks of both machines if it is new");
        // The last, as it costs more than all else together.
        if (!Caller.Key.Verifies(SignedBytes(ChainId, Caller, IssuedAt, ExpiresAt), Signature)) return new TokenRefusal(TokenRefusalReason.BadSignature, "the token's signature is not its owner's: sign it again");
        return null;
    }

    private static byte[] Bytes(string text)
    {
        try
        {
            return Base64Url.DecodeFromChars(text);
        }
        catch (FormatException)
        {
            throw new MalformedException("it is not base64url");
        }
    }

    private static CallerToken Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new CanonicalReader(bytes);
        var chainId = reader.Text(Transaction.MaxChainIdLength);
        if (!GenesisFile.IsChainId(chainId)) throw new MalformedException($"its chain id is not {GenesisFile.ChainIdForm}");
        var caller = Did.Decode(ref reader);
        if (caller.Method != DidMethod.Key) throw new MalformedException("its owner is not a did:key");
        var (issuedAt, expiresAt) = (reader.I64(), reader.I64());
        if (issuedAt < 0 || expiresAt <= issuedAt || expiresAt - issuedAt > MaxLifetime.Ticks / TimeSpan.TicksPerMillisecond)
            throw new MalformedException($"its time is not possible: a token lives at most {MaxLifetime.Minutes} minutes");
        var signature = new Signature(reader.Raw(Signature.Size));
        reader.End();
        return new CallerToken(chainId, caller, issuedAt, expiresAt, signature);
    }

    private static byte[] SignedBytes(string chainId, in Did caller, long issuedAt, long expiresAt)
    {
        var body = new CanonicalWriter(Did.Size + 16);
        EncodeBody(body, caller, issuedAt, expiresAt);
        return SigningDomain.CallerToken.Frame(chainId, body.Written);
    }

    private static void EncodeBody(CanonicalWriter writer, in Did caller, long issuedAt, long expiresAt)
    {
        caller.Encode(writer);
        writer.I64(issuedAt).I64(expiresAt);
    }
}
