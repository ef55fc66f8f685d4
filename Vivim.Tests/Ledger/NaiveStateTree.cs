using System.Security.Cryptography;
using Vivim.Protocol;

namespace Vivim.Tests.Ledger;

/// <summary>The Jellyfish tree from its definition: recursive over a sorted dictionary, everything hashed anew each time. What the real one is compared with.</summary>
internal sealed class NaiveStateTree
{
    private readonly SortedDictionary<Hash256, Hash256> leaves;
    private readonly Dictionary<Hash256, List<Hash256>> siblings;

    public NaiveStateTree()
        : this([])
    {
    }

    private NaiveStateTree(SortedDictionary<Hash256, Hash256> leaves)
    {
        this.leaves = leaves;
        siblings = leaves.Keys.ToDictionary(key => key, _ => new List<Hash256>());
        Root = RootOf([.. leaves], 0);
    }

    public int Count => leaves.Count;

    public IEnumerable<Hash256> Keys => leaves.Keys;

    public Hash256 this[Hash256 key] => leaves[key];

    public Hash256 Root { get; }

    public bool Contains(Hash256 key) => leaves.ContainsKey(key);

    /// <summary>The siblings of a present key, bottom to top.</summary>
    public IReadOnlyList<Hash256> SiblingsOf(Hash256 key) => siblings[key];

    public NaiveStateTree With(IEnumerable<(Hash256 Key, Hash256? Value)> changes)
    {
        var copy = new SortedDictionary<Hash256, Hash256>(leaves);
        foreach (var (key, value) in changes)
        {
            if (value is { } hash) copy[key] = hash;
            else copy.Remove(key);
        }

        return new NaiveStateTree(copy);
    }

    private Hash256 RootOf(KeyValuePair<Hash256, Hash256>[] below, int depth)
    {
        if (below.Length == 0) return new Hash256("SPARSE_MERKLE_PLACEHOLDER_HASH__"u8);
        if (below.Length == 1) return new Hash256(SHA256.HashData([.. "JMT::LeafNode"u8, .. below[0].Key.Bytes, .. below[0].Value.Bytes]));

        var (lefts, rights) = (below.Where(leaf => !leaf.Key.Bit(depth)).ToArray(), below.Where(leaf => leaf.Key.Bit(depth)).ToArray());
        var (left, right) = (RootOf(lefts, depth + 1), RootOf(rights, depth + 1));
        foreach (var leaf in lefts) siblings[leaf.Key].Add(right);
        foreach (var leaf in rights) siblings[leaf.Key].Add(left);
        return new Hash256(SHA256.HashData([.. "JMT::IntrnalNode"u8, .. left.Bytes, .. right.Bytes]));
    }
}
