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

    /// <summary>
    /// False for keys under which no signature ever verifies: y not below the field's prime, or a point of small order. True for some that are
    /// no point of the curve.
    /// </summary>
    public bool CanVerify
    {
        get
        {
            Span<byte> y = stackalloc byte[Size];
            Bytes.CopyTo(y);
            y[^1] &= 0x7f;
            var isCanonical = y[^1] != 0x7f || y[1..^1].ContainsAnyExcept((byte)0xff) || y[0] < 0xed;
            return isCanonical && !IsOfSmallOrder(y);
        }
    }

    /// <summary>The y of points of order 4, 1, 8, 8 and 2; the sign of x makes no difference.</summary>
    private static bool IsOfSmallOrder(ReadOnlySpan<byte> y) =>
        (!y[1..].ContainsAnyExcept((byte)0) && y[0] <= 1)
        || y.SequenceEqual(Convert.FromHexString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"))
        || y.SequenceEqual(Convert.FromHexString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
        || (y[0] == 0xec && !y[1..^1].ContainsAnyExcept((byte)0xff) && y[^1] == 0x7f);

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
