using Vivim.Ledger.Events;
using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Proofs;

namespace Vivim.Simulator.Storage;

/// <summary>A node's chain.db: what it holds outlives the node.</summary>
internal sealed class ChainFile : IChainStore
{
    private readonly List<BlockRecord> blocks = [];
    private readonly List<byte[]> changes = [];
    private readonly List<(ulong Height, ValidatorSetChange Change)> setChanges = [];
    private readonly Dictionary<Hash256, TransactionPosition> positions = [];

    public Hash256? Genesis { get; private set; }

    /// <summary>The last height.</summary>
    public ulong Height => (ulong)blocks.Count;

    public void Initialize(Hash256 genesis) => Genesis = genesis;

    public (ulong Oldest, ulong Newest) Heights() => blocks.Count == 0 ? (0, 0) : (1UL, Height);

    public BlockRecord? Read(ulong height) => height >= 1 && height <= Height ? blocks[(int)height - 1] : null;

    public long? SizeOf(ulong height) => Read(height)?.Size;

    public byte[]? ReadEvents(ulong height) => Read(height)?.Events;

    /// <summary>It keeps no summaries: every block may match.</summary>
    public ulong SkipUnmatched(EventFilter filter, ulong from, ulong to) => from;

    public TransactionPosition? Find(Hash256 transactionId) => positions.TryGetValue(transactionId, out var position) ? position : null;

    public IReadOnlyList<ValidatorSetChange> SetChangesBelow(ulong height) => [.. setChanges.Where(entry => entry.Height < height).Select(entry => entry.Change)];

    public void Append(BlockRecord record, IReadOnlyList<Hash256> transactionIds, byte[] changes, ValidatorSetChange? setChange)
    {
        if (record.Height != Height + 1) throw new InvalidOperationException($"block {record.Height} does not follow {Height}");
        blocks.Add(record);
        this.changes.Add(changes);
        if (setChange is not null) setChanges.Add((record.Height, setChange));
        for (var i = 0; i < transactionIds.Count; i++) positions[transactionIds[i]] = new TransactionPosition(record.Height, (uint)i);
    }

    public IEnumerable<KeyValuePair<ulong, byte[]>> ChangesAfter(ulong height)
    {
        for (var i = (int)height; i < changes.Count; i++) yield return new((ulong)i + 1, changes[i]);
    }

    public void DropChangesUpTo(ulong height) => throw new NotSupportedException("no simulated state is large enough to be flushed");

    public void DropBlocksBelow(ulong height) => throw new NotSupportedException("every simulated chain is kept");

    public bool IsBeingReplaced => false;

    public void BeginReplacing() => throw new NotSupportedException("no simulated node starts from a snapshot");

    public void Replace(BlockRecord record, IReadOnlyList<Hash256> transactionIds, IReadOnlyList<ValidatorSetChange> setChanges) => throw new NotSupportedException("no simulated node starts from a snapshot");

    public void Clear() => throw new NotSupportedException("no simulated node starts from a snapshot");

    /// <summary>Goes back to an older backup.</summary>
    public void Restore(ulong height)
    {
        blocks.RemoveRange((int)height, blocks.Count - (int)height);
        changes.RemoveRange((int)height, changes.Count - (int)height);
        setChanges.RemoveAll(entry => entry.Height > height);
        foreach (var id in positions.Where(p => p.Value.Height > height).Select(p => p.Key).ToList()) positions.Remove(id);
    }
}

/// <summary>A node's state.db, which nothing has been flushed to: the state is rebuilt from the chain's change sets.</summary>
internal sealed class StateFile : IStateStore
{
    public ulong? Height => null;

    public byte[]? Get(byte[] key) => null;

    public byte[]? FindKey(byte[] keyHash) => null;

    public IEnumerable<KeyValuePair<byte[], byte[]>> Range(byte[] prefix, byte[] after) => [];

    public IEnumerable<KeyValuePair<byte[], byte[]>> All() => [];

    public void Write(ulong height, IReadOnlyDictionary<byte[], byte[]?> changes) => throw new NotSupportedException("no simulated state is large enough to be flushed");

    public void Replace(ulong height, IEnumerable<KeyValuePair<byte[], byte[]>> rows) => throw new NotSupportedException("no simulated node starts from a snapshot");

    public void Clear() => throw new NotSupportedException("no simulated node starts from a snapshot");
}
