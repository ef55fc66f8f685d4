using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Proofs;

namespace Vivim.Ledger.Snapshots;

/// <summary>One chunk of a snapshot: the leaves whose key hashes share a prefix.</summary>
/// <param name="Depth">Bits of the prefix, 0 to 256.</param>
/// <param name="Leaves">How many.</param>
/// <param name="Bytes">Length of its body.</param>
/// <param name="Hash">Of its subtree; the placeholder where it has no leaves.</param>
public sealed record ChunkEntry(int Depth, uint Leaves, uint Bytes, Hash256 Hash);

/// <summary>
/// How a snapshot is cut: its chunks in the order of their prefixes, which together cover all key hashes once. Their hashes fold to the root of the
/// state. Immutable.
/// </summary>
public sealed class ChunkMap
{
    /// <summary>A chunk's body is not longer, in bytes: several of the largest leaves.</summary>
    public const int MaxChunkBytes = SyncMessage.MaxChunkSize;

    /// <summary>A snapshot has no more chunks: with <see cref="MaxChunkBytes"/> a state of 16 to 32 GiB.</summary>
    public const int MaxChunks = 65_536;

    private const int EntrySize = 2 + 4 + 4 + Hash256.Size;

    /// <summary>Two lengths, a key and a value of a byte each.</summary>
    private const int MinLeafBytes = 10;

    private readonly ChunkEntry[] entries;
    private readonly Hash256[] prefixes;

    /// <exception cref="MalformedException">The prefixes leave a gap or overlap, or an entry is not possible.</exception>
    public ChunkMap(IReadOnlyList<ChunkEntry> entries)
    {
        if (entries.Count is 0 or > MaxChunks) throw new MalformedException($"a snapshot has 1 to {MaxChunks} chunks, not {entries.Count}");
        this.entries = [.. entries];
        prefixes = new Hash256[entries.Count];
        foreach (var entry in entries) Check(entry);
        var next = 0;
        Root = Fold(0, new byte[Hash256.Size], ref next);
        if (next != entries.Count) throw new MalformedException($"{entries.Count - next} chunks are left over after all prefixes");
    }

    /// <summary>What the chunks fold to.</summary>
    public Subtree Root { get; }

    public int Count => entries.Length;

    public ChunkEntry this[int index] => entries[index];

    /// <summary>Bytes of all bodies.</summary>
    public long Bytes => entries.Sum(entry => (long)entry.Bytes);

    /// <summary>The prefix of a chunk, with zeros after it.</summary>
    public Hash256 PrefixOf(int index) => prefixes[index];

    public void Encode(CanonicalWriter writer)
    {
        writer.U32((uint)entries.Length);
        foreach (var entry in entries) writer.U16((ushort)entry.Depth).U32(entry.Leaves).U32(entry.Bytes).Hash(entry.Hash);
    }

    /// <exception cref="MalformedException">Not a map.</exception>
    public static ChunkMap Decode(ref CanonicalReader reader)
    {
        var read = new ChunkEntry[reader.Count(MaxChunks, EntrySize)];
        for (var i = 0; i < read.Length; i++) read[i] = new ChunkEntry(reader.U16(), reader.U32(), reader.U32(), reader.Hash());
        return new ChunkMap(read);
    }

    private static void Check(ChunkEntry entry)
    {
        if (entry.Depth > Jellyfish.MaxDepth) throw new MalformedException($"a chunk at depth {entry.Depth}, at most {Jellyfish.MaxDepth} possible");
        if (entry.Bytes > MaxChunkBytes) throw new MalformedException($"a chunk of {entry.Bytes} bytes, at most {MaxChunkBytes} allowed");
        if ((long)entry.Leaves * MinLeafBytes > entry.Bytes) throw new MalformedException($"a chunk of {entry.Leaves} leaves in {entry.Bytes} bytes");
        if (entry.Leaves == 0 && (entry.Bytes != 0 || entry.Hash != Jellyfish.Placeholder)) throw new MalformedException("a chunk without leaves has bytes or a hash");
    }

    /// <summary>Deep as the deepest chunk, 256 at most.</summary>
    private Subtree Fold(int depth, byte[] prefix, ref int next)
    {
        if (next == entries.Length) throw new MalformedException("the chunks end before all prefixes are covered");
        var entry = entries[next];
        if (entry.Depth < depth) throw new MalformedException($"chunk {next} at depth {entry.Depth} overlaps with the one before it");
        if (entry.Depth == depth)
        {
            prefixes[next++] = new Hash256(prefix);
            return new Subtree(entry.Hash, entry.Leaves);
        }

        var left = Fold(depth + 1, prefix, ref next);
        var bit = (byte)(0x80 >> (depth & 7));
        prefix[depth >> 3] |= bit;
        var right = Fold(depth + 1, prefix, ref next);
        prefix[depth >> 3] &= (byte)~bit;
        return Subtree.Join(left, right);
    }
}
