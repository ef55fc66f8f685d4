using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Vivim.Protocol;

/// <summary>A SHA-256 digest: 32 bytes, compared as an unsigned big-endian number.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct Hash256 : IEquatable<Hash256>, IComparable<Hash256>
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 32;

    private readonly Word words;

    [InlineArray(4)]
    private struct Word
    {
        private ulong first;
    }

    /// <summary>Takes exactly 32 bytes.</summary>
    /// <exception cref="ArgumentException">Another length.</exception>
    public Hash256(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"a hash has {Size} bytes, not {bytes.Length}", nameof(bytes));
        bytes.CopyTo(MemoryMarshal.AsBytes((Span<ulong>)words));
    }

    /// <summary>Thirty-two zero bytes: stands for "none", never for a digest.</summary>
    public static Hash256 Zero => default;

    /// <summary>True for <see cref="Zero"/>.</summary>
    public bool IsZero => Equals(Zero);

    /// <summary>The digest's bytes, in order.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)words);

    /// <summary>SHA-256 of <paramref name="data"/>.</summary>
    public static Hash256 Of(ReadOnlySpan<byte> data)
    {
        Span<byte> digest = stackalloc byte[Size];
        SHA256.HashData(data, digest);
        return new Hash256(digest);
    }

    /// <summary>Reads 64 lower- or upper-case hexadecimal digits.</summary>
    /// <exception cref="FormatException">Not hexadecimal, or another length.</exception>
    public static Hash256 FromHex(string hex)
    {
        var bytes = Convert.FromHexString(hex);
        return bytes.Length == Size ? new Hash256(bytes) : throw new FormatException($"a hash has {Size * 2} hexadecimal digits, not {hex.Length}");
    }

    /// <summary>The bit at <paramref name="index"/>, counted from the most significant (0) to the least (255).</summary>
    public bool Bit(int index) => (Bytes[index >> 3] >> (7 - (index & 7)) & 1) != 0;

    /// <summary>How many leading bits the two have in common: 0 to 256.</summary>
    public int CommonPrefixLength(in Hash256 other)
    {
        for (var i = 0; i < 4; i++)
        {
            var difference = BinaryPrimitives.ReverseEndianness(words[i] ^ other.words[i]);
            if (difference != 0) return i * 64 + System.Numerics.BitOperations.LeadingZeroCount(difference);
        }

        return 256;
    }

    public byte[] ToArray() => Bytes.ToArray();

    public bool Equals(Hash256 other) => words[0] == other.words[0] && words[1] == other.words[1] && words[2] == other.words[2] && words[3] == other.words[3];

    public override bool Equals(object? obj) => obj is Hash256 other && Equals(other);

    public override int GetHashCode() => (int)words[1];

    public int CompareTo(Hash256 other) => Bytes.SequenceCompareTo(other.Bytes);

    /// <summary>Lower-case hexadecimal.</summary>
    public override string ToString() => Convert.ToHexStringLower(Bytes);

    public static bool operator ==(Hash256 left, Hash256 right) => left.Equals(right);

    public static bool operator !=(Hash256 left, Hash256 right) => !left.Equals(right);

    public static bool operator <(Hash256 left, Hash256 right) => left.CompareTo(right) < 0;

    public static bool operator >(Hash256 left, Hash256 right) => left.CompareTo(right) > 0;

    public static bool operator <=(Hash256 left, Hash256 right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Hash256 left, Hash256 right) => left.CompareTo(right) >= 0;
}
