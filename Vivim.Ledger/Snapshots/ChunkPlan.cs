using Vivim.Protocol;

namespace Vivim.Ledger.Snapshots;

/// <summary>
/// How a state is cut: a prefix whose leaves fit a chunk is one, any other is halved. It follows from the state alone, so all nodes cut the same.
/// </summary>
public static class ChunkPlan
{
    /// <summary>A leaf's place and what it takes of a body.</summary>
    public readonly record struct LeafSize(Hash256 KeyHash, int Bytes);

    /// <summary>A chunk to be.</summary>
    public readonly record struct Piece(int Depth, int Leaves, int Bytes);

    /// <summary>The pieces in order.</summary>
    /// <param name="sorted">Strictly ascending by key hash.</param>
    /// <param name="limit">Bytes of a chunk, at least those of the largest leaf.</param>
    public static IReadOnlyList<Piece> Of(ReadOnlySpan<LeafSize> sorted, int limit = ChunkMap.MaxChunkBytes)
    {
        var pieces = new List<Piece>();
        Cut(sorted, 0, limit, pieces);
        return pieces;
    }

    private static void Cut(ReadOnlySpan<LeafSize> leaves, int depth, int limit, List<Piece> pieces)
    {
        var bytes = 0L;
        foreach (ref readonly var leaf in leaves) bytes += leaf.Bytes;
        if (bytes <= limit)
        {
            pieces.Add(new Piece(depth, leaves.Length, (int)bytes));
            return;
        }

        if (leaves.Length == 1) throw new ArgumentException($"a leaf of {bytes} bytes is larger than a chunk of {limit}", nameof(limit));
        var split = 0;
        while (split < leaves.Length && !leaves[split].KeyHash.Bit(depth)) split++;
        Cut(leaves[..split], depth + 1, limit, pieces);
        Cut(leaves[split..], depth + 1, limit, pieces);
    }
}
