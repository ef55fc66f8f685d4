using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using SimpleBase;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;

namespace Vivim.Protocol.Identity;

/// <summary>How a DID is resolved.</summary>
public enum DidMethod : byte
{
    /// <summary><c>did:key</c>: an Ed25519 public key that resolves to itself.</summary>
    Key = 1,

    /// <summary><c>did:vivim</c>: registered on chain; its identifier is the hash of the registration.</summary>
    Vivim = 2,
}

/// <summary>
/// A decentralised identifier: <c>did:key:z6Mk…</c> (multibase base58btc of 0xed01 and the key, W3C did:key) or
/// <c>did:vivim:b…</c> (multibase base32 of the 32-byte hash of the registration). Each has exactly one spelling.
/// </summary>
public readonly record struct Did(DidMethod Method, Hash256 Identifier)
{
    /// <summary>No spelling is longer, in characters.</summary>
    public const int MaxLength = 64;

    /// <summary>Size of the canonical encoding in bytes: the method, then the identifier.</summary>
    public const int Size = 1 + Hash256.Size;

    private const string KeyPrefix = "did:key:z";
    private const string VivimPrefix = "did:vivim:b";
    private const string RegistrationDomain = "vivim/did/v1";

    private static readonly SearchValues<char> SpellingCharacters = SearchValues.Create(":0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static ReadOnlySpan<byte> Ed25519Multicodec => [0xed, 0x01];

    /// <summary>The DID that is this key.</summary>
    public static Did OfKey(in PublicKey key) => new(DidMethod.Key, new Hash256(key.Bytes));

    /// <summary>The DID that a registration creates: the hash of the <c>RegisterIdentity</c> message as it was sent.</summary>
    public static Did OfRegistration(ReadOnlySpan<byte> registration) =>
        new(DidMethod.Vivim, Hash256.Of(new CanonicalWriter().Text(RegistrationDomain).Raw(registration).Written));

    /// <summary>The key of a <c>did:key</c>.</summary>
    /// <exception cref="InvalidOperationException">Another method.</exception>
    public PublicKey Key => Method == DidMethod.Key ? new PublicKey(Identifier.Bytes) : throw new InvalidOperationException($"{this} is not a did:key");

    /// <exception cref="FormatException">Not one of the two methods in its one spelling.</exception>
    public static Did Parse(string text) =>
        TryParse(text, out var did) ? did : throw new FormatException($"'{(text.Length > MaxLength ? text[..MaxLength] + "…" : text)}' is not a did:key (Ed25519) or did:vivim");

    public static bool TryParse([NotNullWhen(true)] string? text, out Did did)
    {
        did = default;
        if (text is null || text.Length > MaxLength) return false;

        // The base32 and base58 decoders throw at characters beyond their tables.
        if (text.AsSpan().ContainsAnyExcept(SpellingCharacters)) return false;
        if (text.StartsWith(KeyPrefix, StringComparison.Ordinal)) return TryParseKey(text, out did);
        return text.StartsWith(VivimPrefix, StringComparison.Ordinal) && TryParseVivim(text, out did);
    }

    private static bool TryParseKey(string text, out Did did)
    {
        did = default;
        Span<byte> bytes = stackalloc byte[MaxLength];
        if (!Base58.Bitcoin.TryDecode(text.AsSpan(KeyPrefix.Length), bytes, out var written)) return false;
        if (written != Ed25519Multicodec.Length + PublicKey.Size || !bytes.StartsWith(Ed25519Multicodec)) return false;
        did = new Did(DidMethod.Key, new Hash256(bytes[Ed25519Multicodec.Length..written]));
        return did.ToString() == text;
    }

    private static bool TryParseVivim(string text, out Did did)
    {
        did = default;
        Span<byte> bytes = stackalloc byte[MaxLength];
        if (!Base32.FileCoin.TryDecode(text.AsSpan(VivimPrefix.Length), bytes, out var written) || written != Hash256.Size) return false;
        did = new Did(DidMethod.Vivim, new Hash256(bytes[..written]));
        return did.ToString() == text;
    }

    public override string ToString() => Method switch
    {
        DidMethod.Key => KeyPrefix + Base58.Bitcoin.Encode([.. Ed25519Multicodec, .. Identifier.Bytes]),
        DidMethod.Vivim => VivimPrefix + Base32.FileCoin.Encode(Identifier.Bytes, padding: false),
        _ => "did:?",
    };

    public void Encode(CanonicalWriter writer) => writer.U8((byte)Method).Hash(Identifier);

    /// <exception cref="MalformedException">An unknown method.</exception>
    public static Did Decode(ref CanonicalReader reader)
    {
        var method = (DidMethod)reader.U8();
        if (method is not (DidMethod.Key or DidMethod.Vivim)) throw new MalformedException($"{(byte)method} at {reader.Position - 1} is not a DID method");
        return new Did(method, reader.Hash());
    }
}
