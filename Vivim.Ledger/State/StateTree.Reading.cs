using Vivim.Protocol;

namespace Vivim.Ledger.State;

public sealed partial class StateTree
{
    /// <summary>Whether the latest version has the key.</summary>
    public bool Contains(in Hash256 keyHash)
    {
        var (node, _) = Descend(LatestRoot, keyHash, siblings: null);
        return node.IsLeaf && leaves[node.Index].KeyHash == keyHash;
    }

    /// <summary>The root at a version that was committed.</summary>
    /// <exception cref="ProofPrunedException">The version is no longer kept.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It was never committed.</exception>
    public Hash256 RootAt(ulong version) => HashOf(RootNodeAt(version));

    /// <summary>The key's leaf and path at a version; null when it was absent.</summary>
    /// <exception cref="ProofPrunedException">The version is no longer kept.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It was never committed.</exception>
    public TreePath? Find(ulong version, in Hash256 keyHash) => Find(RootNodeAt(version), keyHash);

    /// <summary>The leaves nearest to an absent key on either side, with their paths; null where there is none.</summary>
    /// <exception cref="ArgumentException">The key is present.</exception>
    /// <exception cref="ProofPrunedException">The version is no longer kept.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It was never committed.</exception>
    public (TreePath? Left, TreePath? Right) Neighbours(ulong version, in Hash256 keyHash)
    {
        var root = RootNodeAt(version);
        var (node, beside) = Descend(root, keyHash, siblings: null);
        var (left, right) = beside;
        if (node.IsLeaf)
        {
            var order = leaves[node.Index].KeyHash.CompareTo(keyHash);
            if (order == 0) throw new ArgumentException($"the key {keyHash} is present at {version}", nameof(keyHash));
            if (order < 0) left = node;
            else right = node;
        }

        return (PathTo(root, LastLeaf(left)), PathTo(root, FirstLeaf(right)));
    }

    private TreePath? PathTo(NodeRef root, NodeRef leaf) => leaf.IsEmpty ? null : Find(root, leaves[leaf.Index].KeyHash);

    private TreePath? Find(NodeRef root, in Hash256 keyHash)
    {
        var siblings = new List<Hash256>();
        var (node, _) = Descend(root, keyHash, siblings);
        if (!node.IsLeaf || leaves[node.Index].KeyHash != keyHash) return null;
        siblings.Reverse();
        return new TreePath(keyHash, leaves[node.Index].ValueHash, siblings);
    }

    /// <summary>Follows the key's bits to a leaf or nothing; tells the nearest subtrees left and right of the way, and the siblings from the top.</summary>
    private (NodeRef Node, (NodeRef Left, NodeRef Right) Beside) Descend(NodeRef root, in Hash256 keyHash, List<Hash256>? siblings)
    {
        var (node, left, right) = (root, NodeRef.Empty, NodeRef.Empty);
        for (var depth = 0; node.IsInner; depth++)
        {
            ref readonly var inner = ref inners[node.Index];
            var goesRight = keyHash.Bit(depth);
            var sibling = goesRight ? inner.Left : inner.Right;
            siblings?.Add(HashOf(sibling));
            if (goesRight && !sibling.IsEmpty) left = sibling;
            if (!goesRight && !sibling.IsEmpty) right = sibling;
            node = goesRight ? inner.Right : inner.Left;
        }

        return (node, (left, right));
    }

    private NodeRef FirstLeaf(NodeRef node)
    {
        while (node.IsInner) node = inners[node.Index] is { Left.IsEmpty: false } inner ? inner.Left : inners[node.Index].Right;
        return node;
    }

    private NodeRef LastLeaf(NodeRef node)
    {
        while (node.IsInner) node = inners[node.Index] is { Right.IsEmpty: false } inner ? inner.Right : inners[node.Index].Left;
        return node;
    }

    private NodeRef RootNodeAt(ulong version)
    {
        if (version < OldestVersion) throw new ProofPrunedException(version, OldestVersion);
        var (low, high) = (0, snapshots.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            if (snapshots[middle].Version == version) return snapshots[middle].Root;
            if (snapshots[middle].Version < version) low = middle + 1;
            else high = middle - 1;
        }

        throw new ArgumentOutOfRangeException(nameof(version), version, "no such version was committed");
    }
}
