using Vivim.Ledger.State;
using Vivim.Protocol;
using Vivim.Protocol.Proofs;

namespace Vivim.Ledger.Snapshots;

/// <summary>A part of the state tree below some depth, by its hash. The number of leaves says how it joins with another: a lone leaf moves up.</summary>
public readonly record struct Subtree(Hash256 Hash, long Leaves)
{
    /// <summary>Nothing.</summary>
    public static Subtree Empty => new(Jellyfish.Placeholder, 0);

    /// <summary>The subtree above two that are side by side, as <see cref="StateTree"/> joins them.</summary>
    public static Subtree Join(in Subtree left, in Subtree right)
    {
        if (left.Leaves == 0 && right.Leaves <= 1) return right;
        if (right.Leaves == 0 && left.Leaves <= 1) return left;
        return new Subtree(StateTree.HashPair(Jellyfish.InnerPrefix, left.Hash, right.Hash), left.Leaves + right.Leaves);
    }

    /// <summary>The subtree of leaves that all belong below <paramref name="depth"/>.</summary>
    /// <param name="sorted">Strictly ascending by key hash, each with a value.</param>
    public static Subtree Of(ReadOnlySpan<LeafChange> sorted, int depth)
    {
        if (sorted.IsEmpty) return Empty;
        if (sorted.Length == 1) return new Subtree(StateTree.HashPair(Jellyfish.LeafPrefix, sorted[0].KeyHash, sorted[0].ValueHash!.Value), 1);
        var split = StateTree.CountLeft(sorted, depth);
        return Join(Of(sorted[..split], depth + 1), Of(sorted[split..], depth + 1));
    }
}
