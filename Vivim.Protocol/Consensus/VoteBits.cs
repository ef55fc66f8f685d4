using Vivim.Protocol.Encoding;

namespace Vivim.Protocol.Consensus;

/// <summary>A set of validators by their index: one bit each, lowest first; bytes at the end that hold none are left out.</summary>
public readonly struct VoteBits : IEquatable<VoteBits>
{
    private readonly byte[]? bytes;

    private VoteBits(byte[] bytes) => this.bytes = bytes;

    /// <summary>The set of those indices, each below <see cref="ValidatorSet.MaxValidators"/>, for which <paramref name="contains"/> is true.</summary>
    public static VoteBits Of(int count, Func<int, bool> contains)
    {
        var bits = new byte[(count + 7) / 8];
        var used = 0;
        for (var i = 0; i < count; i++)
        {
            if (!contains(i)) continue;
            bits[i / 8] |= (byte)(1 << (i % 8));
            used = i / 8 + 1;
        }

        return new VoteBits(bits[..used]);
    }

    public bool Contains(int index) => bytes is not null && index / 8 < bytes.Length && (bytes[index / 8] >> (index % 8) & 1) != 0;

    public void Encode(CanonicalWriter writer) => writer.Bytes(bytes);

    /// <exception cref="MalformedException">Longer than the largest set, or ending in an empty byte.</exception>
    public static VoteBits Decode(ref CanonicalReader reader)
    {
        var bits = reader.Bytes(ValidatorSet.MaxValidators / 8);
        if (bits is [.., 0]) throw new MalformedException("a set of votes ends in an empty byte");
        return new VoteBits(bits.ToArray());
    }

    public bool Equals(VoteBits other) => (bytes ?? []).AsSpan().SequenceEqual(other.bytes);

    public override bool Equals(object? obj) => obj is VoteBits other && Equals(other);

    public override int GetHashCode() => bytes is null ? 0 : bytes.Length;

    public override string ToString() => Convert.ToHexStringLower(bytes ?? []);

    public static bool operator ==(VoteBits left, VoteBits right) => left.Equals(right);

    public static bool operator !=(VoteBits left, VoteBits right) => !left.Equals(right);
}
