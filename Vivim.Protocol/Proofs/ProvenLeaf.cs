using Vivim.Protocol.Encoding;
using Vivim.Protocol.Proofs.Ics23;

namespace Vivim.Protocol.Proofs;

/// <summary>
/// One key of the state with its value and the siblings on its way to the root, bottom to top. On which side each sibling
/// is follows from the key's hash, and siblings that are not there take one bit, not 32 bytes.
/// </summary>
public sealed class ProvenLeaf
{
    /// <summary>The longest key of the state, in bytes.</summary>
    public const int MaxKeyLength = 256;

    /// <summary>The longest value of the state, in bytes.</summary>
    public const int MaxValueLength = 64 * 1024;

    /// <summary>Takes a key and a value of at least one byte each: ICS-23 knows no proof of an empty one.</summary>
    /// <exception cref="ArgumentException">One of them is empty or too long, or there are more than <see cref="Jellyfish.MaxDepth"/> siblings.</exception>
    public ProvenLeaf(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, IReadOnlyList<Hash256> siblings)
    {
        if (key.Length is 0 or > MaxKeyLength) throw new ArgumentException($"a key has 1 to {MaxKeyLength} bytes, not {key.Length}", nameof(key));
        if (value.Length is 0 or > MaxValueLength) throw new ArgumentException($"a value has 1 to {MaxValueLength} bytes, not {value.Length}", nameof(value));
        if (siblings.Count > Jellyfish.MaxDepth) throw new ArgumentException($"a path has at most {Jellyfish.MaxDepth} siblings, not {siblings.Count}", nameof(siblings));
        (Key, Value, Siblings) = (key, value, siblings);
    }

    public ReadOnlyMemory<byte> Key { get; }

    public ReadOnlyMemory<byte> Value { get; }

    /// <summary>Bottom to top; <see cref="Jellyfish.Placeholder"/> where there is none.</summary>
    public IReadOnlyList<Hash256> Siblings { get; }

    /// <summary>The same as an ICS-23 proof of existence under <see cref="Jellyfish.Spec"/>.</summary>
    public ExistenceProof ToIcs23()
    {
        var keyHash = Hash256.Of(Key.Span);
        var depth = Siblings.Count;
        return new ExistenceProof(Key, Value, Jellyfish.Spec.LeafSpec, [.. Siblings.Select((sibling, level) => Jellyfish.Step(sibling, keyHash.Bit(depth - 1 - level)))]);
    }

    /// <summary>Key, value, 16-bit depth, a bitmap with a set bit for each placeholder (most significant first, padded with zeros), the other siblings.</summary>
    internal void Encode(CanonicalWriter writer)
    {
        writer.Bytes(Key.Span).Bytes(Value.Span).U16((ushort)Siblings.Count);
        Span<byte> placeholders = stackalloc byte[BitmapLength(Siblings.Count)];
        placeholders.Clear();
        for (var i = 0; i < Siblings.Count; i++)
            if (Siblings[i] == Jellyfish.Placeholder) placeholders[i >> 3] |= Bit(i);
        writer.Raw(placeholders);
        foreach (var sibling in Siblings)
            if (sibling != Jellyfish.Placeholder) writer.Hash(sibling);
    }

    /// <exception cref="MalformedException">Not what <see cref="Encode"/> writes.</exception>
    internal static ProvenLeaf Decode(ref CanonicalReader reader)
    {
        var key = DecodeKey(ref reader);
        var value = reader.Bytes(MaxValueLength).ToArray();
        if (value.Length == 0) throw new MalformedException($"an empty value at {reader.Position}");
        var depth = reader.U16();
        if (depth > Jellyfish.MaxDepth) throw new MalformedException($"a path of {depth} at {reader.Position - 2}, at most {Jellyfish.MaxDepth} allowed");

        var placeholders = reader.Raw(BitmapLength(depth));
        if (depth % 8 != 0 && (placeholders[^1] & (0xFF >> (depth % 8))) != 0) throw new MalformedException($"the bitmap's padding at {reader.Position - 1} is not zero");
        var siblings = new Hash256[depth];
        for (var i = 0; i < depth; i++)
            siblings[i] = (placeholders[i >> 3] & Bit(i)) != 0 ? Jellyfish.Placeholder : DecodeSibling(ref reader);
        return new ProvenLeaf(key, value, siblings);
    }

    /// <exception cref="MalformedException">Empty, too long, or cut short.</exception>
    internal static byte[] DecodeKey(ref CanonicalReader reader)
    {
        var key = reader.Bytes(MaxKeyLength);
        return key.IsEmpty ? throw new MalformedException($"an empty key at {reader.Position}") : key.ToArray();
    }

    private static Hash256 DecodeSibling(ref CanonicalReader reader)
    {
        var sibling = reader.Hash();
        return sibling == Jellyfish.Placeholder ? throw new MalformedException($"a placeholder written out at {reader.Position - Hash256.Size}") : sibling;
    }

    private static int BitmapLength(int depth) => (depth + 7) / 8;

    private static byte Bit(int index) => (byte)(0x80 >> (index & 7));
}
