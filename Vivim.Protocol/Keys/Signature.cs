using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vivim.Protocol.Keys;

/// <summary>An Ed25519 signature: 64 bytes.</summary>
public readonly struct Signature : IEquatable<Signature>
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 64;

    private readonly Word words;

    [InlineArray(8)]
    private struct Word
    {
        private ulong first;
    }

    /// <summary>Takes exactly 64 bytes.</summary>
    /// <exception cref="ArgumentException">Another length.</exception>
    public Signature(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"a signature has {Size} bytes, not {bytes.Length}", nameof(bytes));
        bytes.CopyTo(MemoryMarshal.AsBytes((Span<ulong>)words));
    }

    [UnscopedRef]
    public ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)words);

    public bool Equals(Signature other) => Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is Signature other && Equals(other);

    public override int GetHashCode() => (int)words[0];

    public override string ToString() => Convert.ToHexStringLower(Bytes);

    public static bool operator ==(Signature left, Signature right) => left.Equals(right);

    public static bool operator !=(Signature left, Signature right) => !left.Equals(right);
}
