using Vivim.Ledger.State;
using Vivim.Protocol;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Proofs;

namespace Vivim.Ledger.Snapshots;

/// <summary>A chunk's leaves as they are sent and kept: key and value one after another, ascending by the keys' hashes.</summary>
public static class ChunkBody
{
    /// <summary>What a leaf takes of a body, in bytes.</summary>
    public static int SizeOf(byte[] key, byte[] value) => 8 + key.Length + value.Length;

    /// <summary>The body of leaves that are in order, and the subtree that they are below a depth.</summary>
    public static (byte[] Body, Subtree Subtree) Make(IReadOnlyList<KeyValuePair<byte[], byte[]>> leaves, int depth)
    {
        var writer = new CanonicalWriter(leaves.Sum(leaf => SizeOf(leaf.Key, leaf.Value)));
        var hashes = new LeafChange[leaves.Count];
        for (var i = 0; i < hashes.Length; i++)
        {
            var (key, value) = leaves[i];
            writer.Bytes(key).Bytes(value);
            hashes[i] = new LeafChange(Hash256.Of(key), Hash256.Of(value));
        }

        return (writer.ToArray(), Subtree.Of(hashes, depth));
    }

    /// <summary>The leaves of a chunk, every one of them proven by the chunk's hash.</summary>
    /// <exception cref="SnapshotException">The body is not that of the chunk.</exception>
    public static IReadOnlyList<KeyValuePair<byte[], byte[]>> Open(ChunkMap map, int index, ReadOnlySpan<byte> body)
    {
        var entry = map[index];
        if (body.Length != entry.Bytes) throw new SnapshotException($"chunk {index} has {body.Length} bytes, not {entry.Bytes}");
        try
        {
            var leaves = Decode(body, entry, map.PrefixOf(index), out var hashes);
            var subtree = Subtree.Of(hashes, entry.Depth);
            return subtree.Hash == entry.Hash ? leaves : throw new SnapshotException($"chunk {index} hashes to {subtree.Hash}, not to {entry.Hash}");
        }
        catch (MalformedException e)
        {
            throw new SnapshotException($"chunk {index} is malformed: {e.Message}");
        }
    }

    private static KeyValuePair<byte[], byte[]>[] Decode(ReadOnlySpan<byte> body, ChunkEntry entry, in Hash256 prefix, out LeafChange[] hashes)
    {
        var reader = new CanonicalReader(body);
        var leaves = new KeyValuePair<byte[], byte[]>[entry.Leaves];
        hashes = new LeafChange[leaves.Length];
        for (var i = 0; i < leaves.Length; i++)
        {
            var at = reader.Position;
            var key = reader.Bytes(ProvenLeaf.MaxKeyLength).ToArray();
            var value = reader.Bytes(ProvenLeaf.MaxValueLength).ToArray();
            hashes[i] = new LeafChange(Hash256.Of(key), Hash256.Of(value));
            // Also what keeps the subtree no deeper than it can be.
            if (i > 0 && hashes[i].KeyHash.CompareTo(hashes[i - 1].KeyHash) <= 0) throw new MalformedException($"the leaf at {at} is not above the one before it");
            if (!SharesPrefix(hashes[i].KeyHash, prefix, entry.Depth)) throw new MalformedException($"the leaf at {at} belongs to another chunk");
            leaves[i] = new(key, value);
        }

        reader.End();
        return leaves;
    }

    private static bool SharesPrefix(in Hash256 keyHash, in Hash256 prefix, int depth)
    {
        for (var bit = 0; bit < depth; bit++)
            if (keyHash.Bit(bit) != prefix.Bit(bit)) return false;
        return true;
    }
}
