using NSec.Cryptography;

namespace Vivim.Protocol.Keys;

/// <summary>An Ed25519 public key: 32 bytes (RFC 8032 §5.1.5). Any 32 bytes can be held; only verification tells a usable one.</summary>
public readonly struct PublicKey : IEquatable<PublicKey>, IComparable<PublicKey>
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 32;

    private readonly Hash256 bytes;

    /// <summary>Takes exactly 32 bytes.</summary>
    /// <exception cref="ArgumentException">Another length.</exception>
    public PublicKey(ReadOnlySpan<byte> bytes) => this.bytes = new Hash256(bytes);

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ReadOnlySpan<byte> Bytes => bytes.Bytes;

    /// <summary>
    /// The one verifier wherever validators must agree (DESIGN §5): libsodium's, which refuses small-order keys and non-canonical
    /// encodings. Implementations differ on such cases, so the accepted set is pinned by the speccheck vectors.
    /// </summary>
    public bool Verifies(ReadOnlySpan<byte> message, in Signature signature) =>
        NSec.Cryptography.PublicKey.TryImport(SignatureAlgorithm.Ed25519, Bytes, KeyBlobFormat.RawPublicKey, out var key)
        && SignatureAlgorithm.Ed25519.Verify(key!, message, signature.Bytes);

    public bool Equals(PublicKey other) => bytes == other.bytes;

    public override bool Equals(object? obj) => obj is PublicKey other && Equals(other);

    public override int GetHashCode() => bytes.GetHashCode();

    public int CompareTo(PublicKey other) => bytes.CompareTo(other.bytes);

    /// <summary>Lower-case hexadecimal.</summary>
    public override string ToString() => bytes.ToString();

    public static bool operator ==(PublicKey left, PublicKey right) => left.Equals(right);

    public static bool operator !=(PublicKey left, PublicKey right) => !left.Equals(right);

    public static bool operator <(PublicKey left, PublicKey right) => left.CompareTo(right) < 0;

    public static bool operator >(PublicKey left, PublicKey right) => left.CompareTo(right) > 0;

    public static bool operator <=(PublicKey left, PublicKey right) => left.CompareTo(right) <= 0;

    public static bool operator >=(PublicKey left, PublicKey right) => left.CompareTo(right) >= 0;
}
