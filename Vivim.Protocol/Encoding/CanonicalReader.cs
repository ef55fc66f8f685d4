using System.Buffers.Binary;
using System.Text;

namespace Vivim.Protocol.Encoding;

/// <summary>The bytes are not a valid encoding of what was asked for. The message says where and why.</summary>
public sealed class MalformedException(string message) : Exception(message);

/// <summary>
/// Reads what <see cref="CanonicalWriter"/> writes. Strict: every length has a limit, nothing may be left over,
/// and each accepted byte string is the only one that decodes to its value.
/// </summary>
public ref struct CanonicalReader(ReadOnlySpan<byte> source)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> source = source;

    /// <summary>Bytes read so far.</summary>
    public int Position { get; private set; }

    /// <summary>Bytes not read yet.</summary>
    public readonly int Remaining => source.Length - Position;

    /// <summary>The next <paramref name="length"/> bytes.</summary>
    /// <exception cref="MalformedException">Fewer are left.</exception>
    public ReadOnlySpan<byte> Raw(int length)
    {
        if (length > Remaining) throw new MalformedException($"{length} bytes wanted at {Position}, {Remaining} left");
        var bytes = source.Slice(Position, length);
        Position += length;
        return bytes;
    }

    public byte U8() => Raw(1)[0];

    public ushort U16() => BinaryPrimitives.ReadUInt16BigEndian(Raw(2));

    public uint U32() => BinaryPrimitives.ReadUInt32BigEndian(Raw(4));

    public ulong U64() => BinaryPrimitives.ReadUInt64BigEndian(Raw(8));

    public int I32() => unchecked((int)U32());

    public long I64() => unchecked((long)U64());

    public Hash256 Hash() => new(Raw(Hash256.Size));

    /// <summary>A byte string of at most <paramref name="limit"/> bytes.</summary>
    /// <exception cref="MalformedException">Longer, or cut short.</exception>
    public ReadOnlySpan<byte> Bytes(int limit)
    {
        var length = U32();
        if (length > (uint)limit) throw new MalformedException($"a byte string of {length} at {Position - 4}, at most {limit} allowed");
        return Raw((int)length);
    }

    /// <summary>UTF-8 text of at most <paramref name="limit"/> bytes.</summary>
    /// <exception cref="MalformedException">Longer, cut short, or not UTF-8.</exception>
    public string Text(int limit)
    {
        var length = U16();
        if (length > limit) throw new MalformedException($"a text of {length} bytes at {Position - 2}, at most {limit} allowed");
        try
        {
            return StrictUtf8.GetString(Raw(length));
        }
        catch (DecoderFallbackException)
        {
            throw new MalformedException($"the text at {Position - length} is not UTF-8");
        }
    }

    /// <summary>A 32-bit count of items, each of at least <paramref name="minimumSize"/> bytes, so that a short input cannot claim a long list.</summary>
    /// <exception cref="MalformedException">More than <paramref name="limit"/>, or more than the input can hold.</exception>
    public int Count(int limit, int minimumSize)
    {
        var count = U32();
        if (count > (uint)limit || (long)count * minimumSize > Remaining)
            throw new MalformedException($"a list of {count} at {Position - 4}, at most {Math.Min(limit, Remaining / Math.Max(1, minimumSize))} possible");
        return (int)count;
    }

    /// <summary>Checks that everything has been read.</summary>
    /// <exception cref="MalformedException">Bytes are left over.</exception>
    public readonly void End()
    {
        if (Remaining != 0) throw new MalformedException($"{Remaining} bytes left over at {Position}");
    }
}
