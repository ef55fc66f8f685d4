using System.Runtime.InteropServices;
using Vivim.Protocol;
using Vivim.Protocol.Proofs;

namespace Vivim.Ledger.State;

/// <summary>What happens to one key of the state: it gets a value, or with null it goes.</summary>
public readonly record struct LeafChange(Hash256 KeyHash, Hash256? ValueHash);

/// <summary>
/// The Jellyfish Merkle tree over the state, versioned by height, in memory (constants: <see cref="Jellyfish"/>). It knows the
/// hashes of keys and values only. A commit copies the nodes it touches, so the versions kept are all readable, until
/// <see cref="Prune"/> frees what only older ones use. Not thread-safe: writes and reads come from one thread.
/// </summary>
public sealed partial class StateTree
{
    private readonly NodePool<InnerNode> inners = new();
    private readonly NodePool<LeafNode> leaves = new();
    private readonly List<Snapshot> snapshots = [];
    private List<NodeRef> retired = [];

    /// <summary>The root of the latest version; <see cref="Jellyfish.Placeholder"/> for an empty tree.</summary>
    public Hash256 Root => HashOf(LatestRoot);

    /// <summary>The latest version committed; 0 before the first commit.</summary>
    public ulong Version => snapshots.Count == 0 ? 0 : snapshots[^1].Version;

    /// <summary>The oldest version that can still be read; 0 before the first commit.</summary>
    public ulong OldestVersion => snapshots.Count == 0 ? 0 : snapshots[0].Version;

    /// <summary>Keys in the latest version.</summary>
    public long Count { get; private set; }

    /// <summary>Nodes held, of the latest version and of older ones kept.</summary>
    public long NodeCount => (long)inners.Count + leaves.Count;

    /// <summary>Bytes held for older versions alone; pruning frees them for later commits, not for the operating system.</summary>
    public long RetainedBytes { get; private set; }

    private NodeRef LatestRoot => snapshots.Count == 0 ? NodeRef.Empty : snapshots[^1].Root;

    /// <summary>
    /// Applies the changes as one batch and keeps the result as <paramref name="version"/>. Every touched inner node is hashed
    /// once. Deleting an absent key and writing the value already there change nothing.
    /// </summary>
    /// <returns>The new root.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The version is not above the latest; the tree is unchanged.</exception>
    /// <exception cref="ArgumentException">A key occurs twice; the tree is unchanged.</exception>
    public Hash256 Commit(ulong version, IReadOnlyCollection<LeafChange> changes)
    {
        if (snapshots.Count > 0) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(version, Version);
        var sorted = changes.ToArray();
        Array.Sort(sorted, static (left, right) => left.KeyHash.CompareTo(right.KeyHash));
        for (var i = 1; i < sorted.Length; i++)
            if (sorted[i].KeyHash == sorted[i - 1].KeyHash) throw new ArgumentException($"the key {sorted[i].KeyHash} is changed twice", nameof(changes));

        var root = Apply(LatestRoot, sorted, depth: 0);
        snapshots.Add(new Snapshot(version, root, [.. retired]));
        retired = [];
        return HashOf(root);
    }

    /// <summary>Forgets all versions below <paramref name="oldest"/>; those at and above it stay readable.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is above the latest version, which cannot be forgotten.</exception>
    public void Prune(ulong oldest)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oldest, Version);
        var forgotten = 0;
        while (forgotten < snapshots.Count && snapshots[forgotten].Version < oldest) forgotten++;
        if (forgotten == 0) return;

        // What a version retired was in use up to the version before it, and that is among the forgotten for each of these.
        foreach (ref readonly var snapshot in CollectionsMarshal.AsSpan(snapshots)[..(forgotten + 1)])
            foreach (var node in snapshot.Retired) Free(node);
        snapshots.RemoveRange(0, forgotten);
        snapshots[0] = snapshots[0] with { Retired = [] };
    }

    /// <summary>The subtree at <paramref name="depth"/> with the changes, all of which belong below it, applied.</summary>
    private NodeRef Apply(NodeRef node, ReadOnlySpan<LeafChange> changes, int depth)
    {
        if (changes.IsEmpty) return node;
        if (node.IsInner)
        {
            var (_, oldLeft, oldRight) = inners[node.Index];
            var split = CountLeft(changes, depth);
            var left = Apply(oldLeft, changes[..split], depth + 1);
            var right = Apply(oldRight, changes[split..], depth + 1);
            if (left == oldLeft && right == oldRight) return node;
            Retire(node);
            return Join(left, right);
        }

        if (changes.Length == 1 && (node.IsEmpty || leaves[node.Index].KeyHash == changes[0].KeyHash)) return Replace(node, changes[0]);
        return Grow(node, changes, depth);
    }

    /// <summary>Makes a subtree where there was a leaf or nothing.</summary>
    private NodeRef Grow(NodeRef node, ReadOnlySpan<LeafChange> changes, int depth)
    {
        var split = CountLeft(changes, depth);
        var isRight = node.IsLeaf && leaves[node.Index].KeyHash.Bit(depth);
        var left = Apply(isRight ? NodeRef.Empty : node, changes[..split], depth + 1);
        var right = Apply(isRight ? node : NodeRef.Empty, changes[split..], depth + 1);
        return Join(left, right);
    }

    /// <summary>Puts a change where its own leaf is, or nothing.</summary>
    private NodeRef Replace(NodeRef node, in LeafChange change)
    {
        if (node.IsLeaf && leaves[node.Index].ValueHash == change.ValueHash) return node;
        if (node.IsLeaf) Retire(node);
        if (change.ValueHash is not { } valueHash) return NodeRef.Empty;

        Count++;
        var hash = HashPair(Jellyfish.LeafPrefix, change.KeyHash, valueHash);
        return NodeRef.ToLeaf(leaves.Add(new LeafNode(hash, change.KeyHash, valueHash)));
    }

    /// <summary>The node above two subtrees. A lone leaf needs none: it moves up to where its key shares no prefix with another.</summary>
    private NodeRef Join(NodeRef left, NodeRef right)
    {
        if (left.IsEmpty && !right.IsInner) return right;
        if (right.IsEmpty && !left.IsInner) return left;
        var hash = HashPair(Jellyfish.InnerPrefix, HashOf(left), HashOf(right));
        return NodeRef.ToInner(inners.Add(new InnerNode(hash, left, right)));
    }

    /// <summary>Takes a node out of the latest version; older ones still use it.</summary>
    private void Retire(NodeRef node)
    {
        if (node.IsLeaf) Count--;
        retired.Add(node);
        RetainedBytes += SizeOf(node);
    }

    private void Free(NodeRef node)
    {
        if (node.IsLeaf) leaves.Remove(node.Index);
        else inners.Remove(node.Index);
        RetainedBytes -= SizeOf(node);
    }

    private static int SizeOf(NodeRef retired) => sizeof(int) + (retired.IsLeaf ? NodePool<LeafNode>.NodeSize : NodePool<InnerNode>.NodeSize);

    private Hash256 HashOf(NodeRef node) =>
        node.IsInner ? inners[node.Index].Hash : node.IsLeaf ? leaves[node.Index].Hash : Jellyfish.Placeholder;

    /// <summary>How many of the sorted changes, equal in the bits before <paramref name="depth"/>, have a 0 there.</summary>
    internal static int CountLeft(ReadOnlySpan<LeafChange> changes, int depth)
    {
        var (low, high) = (0, changes.Length);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (changes[middle].KeyHash.Bit(depth)) high = middle;
            else low = middle + 1;
        }

        return low;
    }

    /// <summary>All hashing of the tree happens here.</summary>
    internal static Hash256 HashPair(ReadOnlySpan<byte> prefix, in Hash256 first, in Hash256 second)
    {
        Span<byte> preimage = stackalloc byte[prefix.Length + 2 * Hash256.Size];
        prefix.CopyTo(preimage);
        first.Bytes.CopyTo(preimage[prefix.Length..]);
        second.Bytes.CopyTo(preimage[(prefix.Length + Hash256.Size)..]);
        return Hash256.Of(preimage);
    }
}
