using Vivim.Ledger.Events;
using Vivim.Protocol;
using Vivim.Protocol.Proofs;

namespace Vivim.Ledger.Storage;

/// <summary>A committed block as kept: canonical encodings.</summary>
/// <param name="Receipts">One after another, each of <see cref="Protocol.Transactions.Receipt.Size"/> bytes.</param>
/// <param name="Events">One after another, each of <see cref="Protocol.Transactions.LedgerEvent.Size"/> bytes.</param>
public sealed record BlockRecord(ulong Height, byte[] Block, byte[] Certificate, byte[] Receipts, byte[] Events)
{
    /// <summary>The bytes of all parts.</summary>
    public long Size => (long)Block.Length + Certificate.Length + Receipts.Length + Events.Length;
}

/// <summary>Where a transaction was included.</summary>
public readonly record struct TransactionPosition(ulong Height, uint Index);

/// <summary>Reads committed blocks. Safe beside a writer; several may read at once.</summary>
public interface IChainReader
{
    /// <summary>The first and last heights held; (0, 0) when there are none.</summary>
    (ulong Oldest, ulong Newest) Heights();

    /// <summary>A block, or null where it is not held.</summary>
    BlockRecord? Read(ulong height);

    /// <summary>The bytes of the whole record of a block, which are not read for it; null where the block is not held.</summary>
    long? SizeOf(ulong height);

    /// <summary>The events of a block alone, or null.</summary>
    byte[]? ReadEvents(ulong height);

    /// <summary>Passes over blocks none of whose events a filter wants, by their summaries and those of whole sections; reads no events.</summary>
    /// <param name="from">The first height to look at.</param>
    /// <param name="to">The last one.</param>
    /// <returns>
    /// A height up to which nothing is wanted, exclusive: <paramref name="from"/> itself where its block may have a wanted event or has no summary,
    /// at most <paramref name="to"/> + 1.
    /// </returns>
    ulong SkipUnmatched(EventFilter filter, ulong from, ulong to);

    /// <summary>The validator-set changes whose header is below a height, ascending, since the genesis: all are kept for ever, so that anything can be proven from the genesis.</summary>
    IReadOnlyList<ValidatorSetChange> SetChangesBelow(ulong height);

    /// <summary>Where a transaction was included, or null.</summary>
    TransactionPosition? Find(Hash256 transactionId);
}

/// <summary>Keeps the chain: one writer.</summary>
public interface IChainStore : IChainReader
{
    /// <summary>The hash of the genesis this store belongs to; null for a new store.</summary>
    Hash256? Genesis { get; }

    /// <summary>Binds a new store to a genesis, synced.</summary>
    void Initialize(Hash256 genesis);

    /// <summary>Adds the next block with the state changes it made, in one synced transaction.</summary>
    /// <param name="setChange">Given where the next height has other validators.</param>
    void Append(BlockRecord record, IReadOnlyList<Hash256> transactionIds, byte[] changes, ValidatorSetChange? setChange);

    /// <summary>The change sets above a height, ascending: what the state store may lack.</summary>
    IEnumerable<KeyValuePair<ulong, byte[]>> ChangesAfter(ulong height);

    /// <summary>Forgets change sets that the state store holds.</summary>
    void DropChangesUpTo(ulong height);

    /// <summary>Forgets blocks, receipts, events, but no validator-set change, and the transactions' positions below a height.</summary>
    void DropBlocksBelow(ulong height);

    /// <summary>Whether <see cref="BeginReplacing"/> was not followed by <see cref="Replace"/>: what the two stores hold does not belong together.</summary>
    bool IsBeingReplaced { get; }

    /// <summary>Marks the chain, synced, before a state from elsewhere takes the place of its own.</summary>
    void BeginReplacing();

    /// <summary>Puts one block in the place of all, as the first that is kept, and takes the mark away, in one synced transaction.</summary>
    /// <param name="setChanges">Those up to the block, since the genesis.</param>
    void Replace(BlockRecord record, IReadOnlyList<Hash256> transactionIds, IReadOnlyList<ValidatorSetChange> setChanges);

    /// <summary>Forgets everything but the genesis, the mark too, in one synced transaction.</summary>
    void Clear();
}
