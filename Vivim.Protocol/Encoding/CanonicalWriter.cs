using System.Buffers;
using System.Buffers.Binary;

namespace Vivim.Protocol.Encoding;

/// <summary>
/// Writes the one deterministic encoding of everything that validators compute and hash
/// (docs/spec/encoding.md): fixed-width big-endian integers, byte strings with a 32-bit length, no optional fields.
/// </summary>
public sealed class CanonicalWriter
{
    private readonly ArrayBufferWriter<byte> buffer;

    /// <param name="capacity">Bytes expected, to save growing.</param>
    public CanonicalWriter(int capacity = 256) => buffer = new ArrayBufferWriter<byte>(Math.Max(1, capacity));

    /// <summary>What has been written so far; valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => buffer.WrittenSpan;

    public byte[] ToArray() => buffer.WrittenSpan.ToArray();

    public CanonicalWriter U8(byte value)
    {
        buffer.GetSpan(1)[0] = value;
        buffer.Advance(1);
        return this;
    }

    public CanonicalWriter U16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(buffer.GetSpan(2), value);
        buffer.Advance(2);
        return this;
    }

    public CanonicalWriter U32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(buffer.GetSpan(4), value);
        buffer.Advance(4);
        return this;
    }

    public CanonicalWriter U64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(buffer.GetSpan(8), value);
        buffer.Advance(8);
        return this;
    }

    /// <summary>Two's complement.</summary>
    public CanonicalWriter I32(int value) => U32(unchecked((uint)value));

    /// <summary>Two's complement.</summary>
    public CanonicalWriter I64(long value) => U64(unchecked((ulong)value));

    /// <summary>Bytes of a length both sides know, without a prefix.</summary>
    public CanonicalWriter Raw(ReadOnlySpan<byte> bytes)
    {
        buffer.Write(bytes);
        return this;
    }

    public CanonicalWriter Hash(in Hash256 hash) => Raw(hash.Bytes);

    /// <summary>A 32-bit length, then the bytes.</summary>
    public CanonicalWriter Bytes(ReadOnlySpan<byte> bytes) => U32((uint)bytes.Length).Raw(bytes);

    /// <summary>A 16-bit length in bytes, then UTF-8.</summary>
    public CanonicalWriter Text(string text)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        return U16(checked((ushort)bytes.Length)).Raw(bytes);
    }
}
