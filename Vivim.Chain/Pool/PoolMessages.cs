using Akka.Actor;
using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>The pool is split by sender, so that a sender's transactions are ordered by one actor.</summary>
public static class PoolPartitions
{
    /// <summary>Fixed: a sender's partition must not change while its transactions wait in a journal.</summary>
    public const int Count = 8;

    /// <summary>The partition of a sender.</summary>
    public static int Of(in Did sender) => sender.Identifier.Bytes[0] % Count;
}

/// <summary>A message for one partition.</summary>
public interface IPoolMessage
{
    int Partition { get; }
}

/// <summary>Take these; answered by <see cref="SubmitOutcomes"/> when every accepted one is durable. At most <see cref="MaxTransactions"/>, all of this partition.</summary>
/// <param name="Height">The last height that who sends this may have seen: the partition's node may be behind, and waits for it.</param>
public sealed record SubmitTransactions(int Partition, IReadOnlyList<TransactionEnvelope> Transactions, ulong Height) : IPoolMessage
{
    public const int MaxTransactions = 256;

    /// <summary>The W3C traceparent of the call that these came with; empty where there is none.</summary>
    public string TraceParent { get; init; } = "";

    /// <summary>
    /// The network address that these came from: an IPv4 address or an IPv6 network of 64 bits. It shares a window's registrations, and the
    /// places for the verification of signatures, with the others. Empty where it is not known; such registrations are not shared out.
    /// Kept in memory only.
    /// </summary>
    public string Origin { get; init; } = "";
}

/// <summary>What became of one submitted transaction: pending, committed with a receipt, or refused.</summary>
public sealed record SubmitOutcome(Hash256 TransactionId, Receipt? Receipt, Refusal? Refusal);

/// <summary>An outcome per submitted transaction, in order.</summary>
public sealed record SubmitOutcomes(IReadOnlyList<SubmitOutcome> Outcomes);

/// <summary>Give what a next block could include; answered by <see cref="Reaped"/>. Nothing is removed by it.</summary>
public sealed record Reap(int Partition, int MaxTransactions, long MaxBytes) : IPoolMessage;

/// <summary>Transactions in an order in which each sender's nonces follow each other.</summary>
public sealed record Reaped(IReadOnlyList<TransactionEnvelope> Transactions)
{
    /// <summary>Traces told at once.</summary>
    public const int MaxTraces = 64;

    /// <summary>Those of them that are followed.</summary>
    public IReadOnlyList<FollowedTransaction> Followed { get; init; } = [];
}

/// <summary>A transaction whose way to its commit is traced, or told in the log.</summary>
/// <param name="TraceParent">The W3C traceparent of what was done for it last.</param>
public sealed record FollowedTransaction(Hash256 TransactionId, string TraceParent);

/// <summary>Are these transactions waiting? Answered by <see cref="TransactionsFound"/>. At most <see cref="MaxTransactions"/>.</summary>
public sealed record FindTransactions(int Partition, IReadOnlyList<Hash256> TransactionIds) : IPoolMessage
{
    public const int MaxTransactions = 1_024;
}

/// <summary>What a partition knows of a transaction that is not in a block.</summary>
public enum PoolState
{
    Unknown = 0,
    Pending = 1,
    Expired = 2,
    Dropped = 3,
}

/// <summary>What the pool knows of one transaction.</summary>
/// <param name="Height">The last block that the partition has heard of.</param>
public sealed record PoolTransactionState(PoolState State, ulong Height)
{
    /// <summary>Why it was dropped; null where it was not.</summary>
    public Refusal? Dropped { get; init; }
}

/// <summary>Answer to <see cref="FindTransactions"/>: one state for each id that was asked for, in order.</summary>
public sealed record TransactionsFound(IReadOnlyList<PoolTransactionState> States);

/// <summary>How many are waiting? Answered by <see cref="PendingCount"/>.</summary>
public sealed record CountPending(int Partition) : IPoolMessage;

/// <summary>Answer to <see cref="CountPending"/>.</summary>
public sealed record PendingCount(long Count);

/// <summary>Start the partition if it is not running.</summary>
public sealed record WakePartition(int Partition) : IPoolMessage;

/// <summary>Published to the cluster when a partition has transactions that the next block could include.</summary>
public sealed record WorkAvailable
{
    /// <summary>The topic it is published on.</summary>
    public const string Topic = "chain.work";

    public static readonly WorkAvailable Instance = new();
}

/// <summary>Journalled: these are acknowledged once this is durable.</summary>
public sealed record TransactionsAdmitted(IReadOnlyList<TransactionEnvelope> Transactions);

/// <summary>Journalled: these no longer wait, and who waits for them is told why once this is durable.</summary>
public sealed record TransactionsDropped(IReadOnlyList<DroppedTransaction> Transactions)
{
    /// <summary>Transactions in one event.</summary>
    public const int MaxTransactions = 4_096;

    /// <summary>As many events as these transactions need.</summary>
    public static IReadOnlyList<TransactionsDropped> Of(IEnumerable<DroppedTransaction> transactions) =>
        [.. transactions.Chunk(MaxTransactions).Select(chunk => new TransactionsDropped(chunk))];
}

/// <summary>
/// Journalled before a partition serves. Of two incarnations that do not know of each other the journal takes the next entry of one only: whatever
/// the older one was about to write is refused from here on, and it acknowledges nothing more.
/// </summary>
public sealed record PartitionStarted
{
    public static readonly PartitionStarted Instance = new();
}

/// <summary>The partition moves to another node: it answers what it has begun, then ends.</summary>
public sealed record LeavePartition : INoSerializationVerificationNeeded;
