using Vivim.Ledger.Events;
using Vivim.Ledger.State;
using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Proofs;

namespace Vivim.Tests.Ledger;

/// <summary>A chain store without a disk.</summary>
internal sealed class MemoryChainStore : IChainStore
{
    private readonly SortedDictionary<ulong, BlockRecord> blocks = [];
    private readonly SortedDictionary<ulong, byte[]> changes = [];
    private readonly List<ValidatorSetChange> setChanges = [];
    private readonly Dictionary<Hash256, TransactionPosition> positions = [];

    public Hash256? Genesis { get; private set; }

    public void Initialize(Hash256 genesis) => Genesis = genesis;

    public (ulong Oldest, ulong Newest) Heights() => blocks.Count == 0 ? (0, 0) : (blocks.Keys.First(), blocks.Keys.Last());

    public BlockRecord? Read(ulong height) => blocks.GetValueOrDefault(height);

    public long? SizeOf(ulong height) => Read(height)?.Size;

    public byte[]? ReadEvents(ulong height) => Read(height)?.Events;

    /// <summary>It keeps no summaries: every block may match.</summary>
    public ulong SkipUnmatched(EventFilter filter, ulong from, ulong to) => from;

    public TransactionPosition? Find(Hash256 transactionId) => positions.TryGetValue(transactionId, out var position) ? position : null;

    public IReadOnlyList<ValidatorSetChange> SetChangesBelow(ulong height) => [.. setChanges.Where(change => change.Header.Height < height)];

    public void Append(BlockRecord record, IReadOnlyList<Hash256> transactionIds, byte[] changes, ValidatorSetChange? setChange)
    {
        if (setChange is not null) setChanges.Add(setChange);
        blocks.Add(record.Height, record);
        this.changes.Add(record.Height, changes);
        for (var i = 0; i < transactionIds.Count; i++) positions.Add(transactionIds[i], new TransactionPosition(record.Height, (uint)i));
    }

    public IEnumerable<KeyValuePair<ulong, byte[]>> ChangesAfter(ulong height) => changes.Where(row => row.Key > height);

    public void DropChangesUpTo(ulong height) => Drop(changes, row => row <= height);

    public void DropBlocksBelow(ulong height) => Drop(blocks, row => row < height);

    public bool IsBeingReplaced { get; private set; }

    public void BeginReplacing() => IsBeingReplaced = true;

    public void Replace(BlockRecord record, IReadOnlyList<Hash256> transactionIds, IReadOnlyList<ValidatorSetChange> setChanges)
    {
        Clear();
        this.setChanges.AddRange(setChanges);
        blocks.Add(record.Height, record);
        for (var i = 0; i < transactionIds.Count; i++) positions.Add(transactionIds[i], new TransactionPosition(record.Height, (uint)i));
    }

    public void Clear()
    {
        blocks.Clear();
        changes.Clear();
        setChanges.Clear();
        positions.Clear();
        IsBeingReplaced = false;
    }

    private static void Drop<T>(SortedDictionary<ulong, T> rows, Func<ulong, bool> isDropped)
    {
        foreach (var height in rows.Keys.Where(isDropped).ToList()) rows.Remove(height);
    }
}

/// <summary>A state store without a disk.</summary>
internal sealed class MemoryStateStore : IStateStore
{
    private readonly SortedDictionary<byte[], byte[]> rows = new(KeyComparer.Instance);

    public ulong? Height { get; private set; }

    public byte[]? Get(byte[] key) => rows.GetValueOrDefault(key);

    public byte[]? FindKey(byte[] keyHash) => rows.Keys.FirstOrDefault(key => Hash256.Of(key) == new Hash256(keyHash));

    public IEnumerable<KeyValuePair<byte[], byte[]>> Range(byte[] prefix, byte[] after) =>
        rows.Where(row => row.Key.AsSpan().StartsWith(prefix) && KeyComparer.Instance.Compare(row.Key, after) > 0);

    public IEnumerable<KeyValuePair<byte[], byte[]>> All() => rows;

    public void Write(ulong height, IReadOnlyDictionary<byte[], byte[]?> changes)
    {
        foreach (var (key, value) in changes)
        {
            if (value is null) rows.Remove(key);
            else rows[key] = value;
        }

        Height = height;
    }

    public void Replace(ulong height, IEnumerable<KeyValuePair<byte[], byte[]>> rows)
    {
        this.rows.Clear();
        foreach (var (key, value) in rows) this.rows.Add(key, value);
        Height = height;
    }

    public void Clear()
    {
        rows.Clear();
        Height = null;
    }
}
