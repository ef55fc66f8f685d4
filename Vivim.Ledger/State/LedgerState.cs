using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Proofs;

namespace Vivim.Ledger.State;

/// <summary>
/// The state: the tree of hashes, the values, and enough of the recent past to prove at recent heights. Values newer than the state store
/// are held here until a flush has written them; without a store all of them are. Used by one thread, except that
/// the store may be writing a <see cref="Flush"/> meanwhile.
/// </summary>
public sealed class LedgerState : IStateReader
{
    /// <summary>States of at most this many past heights can be proven.</summary>
    public const int MaxHistory = 256;

    private readonly StateTree tree = new();
    private readonly IStateStore? store;
    private readonly long historyBudget;
    private readonly ValueCache cache = new(capacity: 50_000);
    private readonly Queue<Undo> history = new();
    private Dictionary<byte[], byte[]?> unflushed = new(KeyComparer.Instance);
    private Dictionary<Hash256, byte[]> unflushedNewKeys = [];
    private Flush? flushing;
    private Dictionary<Hash256, byte[]> flushingNewKeys = [];
    private long historyBytes;

    /// <param name="store">Where flushed values are; null keeps everything in memory.</param>
    /// <param name="historyBudget">Bytes of memory for the recent past.</param>
    public LedgerState(IStateStore? store = null, long historyBudget = 64 << 20)
    {
        this.store = store;
        this.historyBudget = historyBudget;
        if (store?.Height is not { } height) return;
        tree.Commit(height, [.. store.All().Select(row => Leaf(row.Key, row.Value))]);
        Height = height;
        IsEmpty = false;
    }

    /// <param name="Previous">The values before, of all keys that were written.</param>
    /// <param name="GoneKeys">The keys that were deleted, by hash.</param>
    private sealed record Undo(ulong Height, Dictionary<byte[], byte[]?> Previous, Dictionary<Hash256, byte[]> GoneKeys, long Bytes);

    /// <summary>Values to be written to the state store as of a height.</summary>
    public sealed record Flush(ulong Height, IReadOnlyDictionary<byte[], byte[]?> Changes);

    /// <summary>True until the first <see cref="Apply"/>, unless the store held a state.</summary>
    public bool IsEmpty { get; private set; } = true;

    /// <summary>The height whose state this is.</summary>
    public ulong Height { get; private set; }

    public Hash256 Root => tree.Root;

    /// <summary>Keys that have a value.</summary>
    public long KeyCount => tree.Count;

    /// <summary>Values not in the state store yet, not counting those on their way.</summary>
    public int Unflushed => unflushed.Count;

    /// <summary>The oldest height that <see cref="Prove"/>, <see cref="GetAt"/> and <see cref="RangeAt"/> answer for.</summary>
    public ulong OldestHeight => tree.OldestVersion;

    public byte[]? Get(byte[] key)
    {
        if (unflushed.TryGetValue(key, out var value)) return value;
        if (flushing is not null && flushing.Changes.TryGetValue(key, out value)) return value;
        // The tree knows which keys exist, so the store is asked only for those that do.
        if (store is null || !tree.Contains(Hash256.Of(key))) return null;
        return cache.GetOrAdd(key, store.Get);
    }

    /// <summary>A key's value at a recent height.</summary>
    /// <exception cref="ProofPrunedException">The height is no longer kept.</exception>
    public byte[]? GetAt(ulong height, byte[] key)
    {
        RequireKept(height);
        foreach (var undo in history)
        {
            if (undo.Height > height && undo.Previous.TryGetValue(key, out var value)) return value;
        }

        return Get(key);
    }

    /// <summary>Moves to the next height. Deleting an absent key changes nothing.</summary>
    /// <returns>The state's root.</returns>
    public Hash256 Apply(ulong height, IReadOnlyDictionary<byte[], byte[]?> changes)
    {
        var previous = new Dictionary<byte[], byte[]?>(changes.Count, KeyComparer.Instance);
        var goneKeys = new Dictionary<Hash256, byte[]>();
        var leaves = new List<LeafChange>(changes.Count);
        var bytes = 0L;
        foreach (var (key, value) in changes)
        {
            var old = Get(key);
            previous[key] = old;
            leaves.Add(Leaf(key, value));
            if (old is null && value is not null) unflushedNewKeys[leaves[^1].KeyHash] = key;
            if (old is not null && value is null) goneKeys[leaves[^1].KeyHash] = key;
            bytes += 64 + key.Length + (old?.Length ?? 0);
        }

        tree.Commit(height, leaves);
        foreach (var (key, value) in changes)
        {
            unflushed[key] = value;
            cache.Remove(key);
        }

        if (!IsEmpty)
        {
            history.Enqueue(new Undo(height, previous, goneKeys, bytes));
            historyBytes += bytes;
        }

        IsEmpty = false;
        Height = height;
        ForgetOldHeights();
        return tree.Root;
    }

    /// <summary>Proves a key's value, or that it has none, at a recent height.</summary>
    /// <exception cref="ProofPrunedException">The height is no longer kept.</exception>
    public StateProof Prove(ulong height, byte[] key)
    {
        RequireKept(height);
        var keyHash = Hash256.Of(key);
        if (tree.Find(height, keyHash) is { } path) return new StateProof.Existence(Proven(height, path, key));
        var (left, right) = tree.Neighbours(height, keyHash);
        return new StateProof.Absence(key, Neighbour(left), Neighbour(right));

        ProvenLeaf? Neighbour(TreePath? neighbour) => neighbour is null ? null : Proven(height, neighbour, FindKey(neighbour.KeyHash));
    }

    /// <summary>Up to <paramref name="limit"/> keys and values with a prefix after a key (exclusive), ascending, at a recent height.</summary>
    /// <exception cref="ProofPrunedException">The height is no longer kept.</exception>
    public IReadOnlyList<KeyValuePair<byte[], byte[]>> RangeAt(ulong height, byte[] prefix, byte[] after, int limit)
    {
        RequireKept(height);
        var corrections = new SortedDictionary<byte[], byte[]?>(KeyComparer.Instance);
        Correct(flushing?.Changes);
        Correct(unflushed);
        foreach (var undo in history.Reverse().TakeWhile(undo => undo.Height > height)) Correct(undo.Previous);

        var stored = (store?.Range(prefix, after) ?? []).Where(row => !corrections.ContainsKey(row.Key));
        var corrected = corrections.Where(row => row.Value is not null).Select(row => new KeyValuePair<byte[], byte[]>(row.Key, row.Value!));
        return [.. Merge(stored, corrected).Take(limit)];

        void Correct(IReadOnlyDictionary<byte[], byte[]?>? changes)
        {
            foreach (var (key, value) in changes ?? new Dictionary<byte[], byte[]?>())
            {
                if (key.AsSpan().StartsWith(prefix) && KeyComparer.Instance.Compare(key, after) > 0) corrections[key] = value;
            }
        }
    }

    /// <summary>Starts a flush of everything that is not in the store: give the result to <see cref="IStateStore.Write"/>, then call <see cref="CompleteFlush"/>. Null while one is under way.</summary>
    public Flush? BeginFlush()
    {
        if (flushing is not null || store is null) return null;
        flushing = new Flush(Height, unflushed);
        flushingNewKeys = unflushedNewKeys;
        unflushed = new Dictionary<byte[], byte[]?>(KeyComparer.Instance);
        unflushedNewKeys = [];
        return flushing;
    }

    /// <summary>The store has written the flush: from now on its values are read from there.</summary>
    public void CompleteFlush()
    {
        flushing = null;
        flushingNewKeys = [];
    }

    private static LeafChange Leaf(byte[] key, byte[]? value) => new(Hash256.Of(key), value is null ? null : Hash256.Of(value));

    private static IEnumerable<KeyValuePair<byte[], byte[]>> Merge(IEnumerable<KeyValuePair<byte[], byte[]>> left, IEnumerable<KeyValuePair<byte[], byte[]>> right)
    {
        using var l = left.GetEnumerator();
        using var r = right.GetEnumerator();
        var (hasLeft, hasRight) = (l.MoveNext(), r.MoveNext());
        while (hasLeft || hasRight)
        {
            var takeLeft = hasLeft && (!hasRight || KeyComparer.Instance.Compare(l.Current.Key, r.Current.Key) < 0);
            yield return takeLeft ? l.Current : r.Current;
            if (takeLeft) hasLeft = l.MoveNext();
            else hasRight = r.MoveNext();
        }
    }

    private ProvenLeaf Proven(ulong height, TreePath path, byte[] key) =>
        new(key, GetAt(height, key) ?? throw new InvalidDataException($"the tree has the key {Convert.ToHexStringLower(key)} at {height}, the values lack it"), path.Siblings);

    /// <summary>
    /// The key behind a hash in the tree at a kept height; neighbours of absent keys are found by it. It is in the store, or came to
    /// be after the store was written, or has gone since.
    /// </summary>
    private byte[] FindKey(in Hash256 keyHash)
    {
        if (unflushedNewKeys.TryGetValue(keyHash, out var key) || flushingNewKeys.TryGetValue(keyHash, out key)) return key;
        foreach (var undo in history)
        {
            if (undo.GoneKeys.TryGetValue(keyHash, out key)) return key;
        }

        if (store?.FindKey(keyHash.ToArray()) is { } stored) return stored;
        throw new InvalidDataException($"no key hashes to {keyHash}: the values do not match the tree");
    }

    private void RequireKept(ulong height)
    {
        if (height < OldestHeight) throw new ProofPrunedException(height, OldestHeight);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(height, Height);
    }

    private void ForgetOldHeights()
    {
        // The height before the last is always kept: it is the one that the last header certifies.
        while (history.Count > MaxHistory || (history.Count > 1 && historyBytes + tree.RetainedBytes > historyBudget))
        {
            var undo = history.Dequeue();
            historyBytes -= undo.Bytes;
            tree.Prune(undo.Height);
        }
    }
}
