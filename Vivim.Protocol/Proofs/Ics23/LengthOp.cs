using System.Buffers.Binary;

namespace Vivim.Protocol.Proofs.Ics23;

/// <summary>How a leaf's key and value are joined with their length, with its number in cosmos/ics23's proofs.proto. RLP is not supported, there as here.</summary>
public enum LengthOp
{
    NoPrefix = 0,
    VarProto = 1,
    VarRlp = 2,
    Fixed32Big = 3,
    Fixed32Little = 4,
    Fixed64Big = 5,
    Fixed64Little = 6,
    Require32Bytes = 7,
    Require64Bytes = 8,
}

/// <summary>Applies a <see cref="LengthOp"/>.</summary>
public static class LengthOpExtensions
{
    /// <summary><paramref name="data"/> with its length before it, as <paramref name="op"/> wants.</summary>
    /// <exception cref="ProofException">Data of another length than required, or an unsupported operation.</exception>
    public static byte[] WithLength(this LengthOp op, ReadOnlySpan<byte> data)
    {
        Span<byte> length = stackalloc byte[8];
        switch (op)
        {
            case LengthOp.NoPrefix:
            case LengthOp.Require32Bytes when data.Length == 32:
            case LengthOp.Require64Bytes when data.Length == 64:
                return data.ToArray();
            case LengthOp.Require32Bytes or LengthOp.Require64Bytes:
                throw new ProofException($"leaf data has {data.Length} bytes where {op} is asked for");
            case LengthOp.VarProto:
                return [.. length[..WriteVarint(length, (uint)data.Length)], .. data];
            case LengthOp.Fixed32Big:
                BinaryPrimitives.WriteUInt32BigEndian(length, (uint)data.Length);
                return [.. length[..4], .. data];
            case LengthOp.Fixed32Little:
                BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)data.Length);
                return [.. length[..4], .. data];
            case LengthOp.Fixed64Big:
                BinaryPrimitives.WriteUInt64BigEndian(length, (uint)data.Length);
                return [.. length, .. data];
            case LengthOp.Fixed64Little:
                BinaryPrimitives.WriteUInt64LittleEndian(length, (uint)data.Length);
                return [.. length, .. data];
            default:
                throw new ProofException($"the length operation {op} is not supported");
        }
    }

    private static int WriteVarint(Span<byte> destination, uint value)
    {
        var size = 0;
        for (; value >= 0x80; value >>= 7) destination[size++] = (byte)(value | 0x80);
        destination[size++] = (byte)value;
        return size;
    }
}
