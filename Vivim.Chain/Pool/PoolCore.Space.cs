using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

// Who gives way when there is no room, what is dropped by an operator or after a restart, and how long that is remembered.
public sealed partial class PoolCore
{
    private readonly DropMemory dropped = new();

    private readonly List<DroppedTransaction> surplus = [];

    // Dropped in memory, but the journal does not say so yet: to everybody else they wait.
    private readonly Dictionary<Hash256, WaitingTransaction> leaving = [];

    /// <summary>Dropped transactions that are remembered.</summary>
    public int RememberedDrops => dropped.Count;

    /// <summary>
    /// Takes in a transaction read back from the journal, unless it is settled by now. <see cref="EndRecovery"/> comes after the last.
    /// </summary>
    public void Recover(Transaction transaction, AccountRecord account, long sequenceNr)
    {
        dropped.Remove(transaction.Id);
        if (byId.ContainsKey(transaction.Id))
        {
            MoveWaiting([transaction.Id], sequenceNr);
            return;
        }

        if (transaction.Nonce < account.Nonce) return;
        if (transaction.ExpiryHeight <= Height)
        {
            RememberExpired(transaction.Id);
            return;
        }

        // Of two with one nonce the newer was taken when the older was gone; the journal may not say yet that it was.
        var older = senders.GetValueOrDefault(transaction.Sender)?.Find(transaction.Nonce);
        if (older is not null) surplus.Add(Drop(older, RefusalReason.PoolFull));
        Insert(transaction, account, origin: "");
        MarkDurable([transaction.Id], sequenceNr);
    }

    /// <summary>Reads back from the journal that transactions were dropped.</summary>
    public void RecoverDropped(IEnumerable<DroppedTransaction> transactions, long sequenceNr)
    {
        foreach (var transaction in transactions)
        {
            if (byId.TryGetValue(transaction.TransactionId, out var waiting)) TakeOut(waiting);
            else if (leaving.Remove(transaction.TransactionId, out waiting)) surplus.RemoveAll(one => one.TransactionId == transaction.TransactionId);
            if (waiting is not null) Settle(waiting);

            if (transaction.ExpiryHeight > Height) dropped.Add(transaction, sequenceNr);
        }

        SkipTo(sequenceNr);
    }

    /// <summary>
    /// All is read back: what is more than the partition has places for goes. Parked transactions above their own limits stay until somebody
    /// wants their place, as they do while the partition serves.
    /// </summary>
    /// <returns>What goes, to be journalled before the partition serves.</returns>
    public IReadOnlyList<DroppedTransaction> EndRecovery()
    {
        while (space.IsOver) surplus.Add(DropLast(space.MostParked ?? space.Senders.First()));
        return surplus;
    }

    /// <summary>Drops all that a sender has waiting.</summary>
    /// <returns>What is dropped, to be journalled.</returns>
    public IReadOnlyList<DroppedTransaction> DropSender(in Did sender)
    {
        var gone = new List<DroppedTransaction>();
        if (!senders.TryGetValue(sender, out var queue)) return gone;
        while (queue.Count > 0) gone.Add(Drop(queue[queue.Count - 1], RefusalReason.DroppedByOperator));
        return gone;
    }

    /// <summary>Transactions of a sender that are dropped, and the journal does not say so yet.</summary>
    public int LeavingOf(Did sender) => leaving.Values.Count(waiting => waiting.Transaction.Sender == sender);

    /// <summary>The journal says that these are dropped: who waits for them may be told.</summary>
    public void MarkDropped(IEnumerable<DroppedTransaction> transactions, long sequenceNr)
    {
        foreach (var transaction in transactions)
        {
            if (leaving.Remove(transaction.TransactionId, out var waiting)) Settle(waiting);
            dropped.Add(transaction, sequenceNr);
        }

        SkipTo(sequenceNr);
    }

    /// <summary>What journal entries up to a number say of remembered drops: to be written again before those entries are deleted.</summary>
    public IReadOnlyList<DroppedTransaction> DropsUpTo(long sequenceNr) => dropped.UpTo(sequenceNr, Height);

    /// <summary>The journal has these in a later entry as well.</summary>
    public void MoveDrops(IEnumerable<DroppedTransaction> transactions, long sequenceNr)
    {
        dropped.Move(transactions, sequenceNr);
        SkipTo(sequenceNr);
    }

    /// <summary>The senders by the places they hold, most first.</summary>
    /// <param name="after">From the last page; null for the first.</param>
    public IReadOnlyList<PoolSender> Senders(PoolSender? after, int limit) =>
    [
        .. space.Senders.Select(View)
            .SkipWhile(sender => after is not null && PoolSender.MostPlacesFirst.Compare(sender, after) <= 0)
            .Take(limit),
    ];

    private static PoolSender View(SenderQueue queue) =>
        new(queue.Sender, queue.Count, queue.Parked, queue.Places, queue.Bytes, queue.Account.Nonce, queue.WhyLastIsParked);

    /// <summary>
    /// Makes room for a transaction. Parked transactions go first; then the sender with the most places loses its last. A parked transaction
    /// displaces no other than parked ones.
    /// </summary>
    /// <returns>What is dropped; null where there is no room, and then nothing is.</returns>
    private List<DroppedTransaction>? MakeRoom(Transaction transaction, SenderQueue? queue, bool isParked)
    {
        if (isParked && queue?.Gapped >= PoolLimits.MaxGappedOfSender) return null;
        var places = limits.PlacesOf(transaction);
        var missing = space.Missing(places, isParked);
        if (missing <= 0) return [];
        SenderQueue? giver = null;
        var count = 0;
        if (isParked || space.Parked < missing)
        {
            if (space.GiverFor(queue, places, missing, isParked) is not { } found) return null;
            (giver, count) = found;
        }

        var gone = new List<DroppedTransaction>();
        while (!isParked && space.Missing(places, isParked) > 0 && space.MostParked is { } parked) gone.Add(DropLast(parked));
        for (; count > 0; count--) gone.Add(DropLast(giver!));
        return gone;
    }

    private Refusal NoRoom(Transaction transaction, AccountRecord account, bool isParked)
    {
        if (!isParked)
        {
            var full = $"this partition of the pool holds {Count} transactions and is full, and no sender has enough more of it than this one";
            return new Refusal(RefusalReason.PoolFull, $"{full}: send again after the next block");
        }

        var gap = $"nonce {transaction.Nonce} does not follow what is known, the next on the chain is {account.Nonce}, and no more can wait";
        return new Refusal(RefusalReason.NonceGap, $"{gap}: send the missing nonce first");
    }

    /// <summary>Drops a sender's last transaction: because the next block could not include it, else because the pool is full.</summary>
    private DroppedTransaction DropLast(SenderQueue queue) =>
        Drop(queue[queue.Count - 1], queue.WhyLastIsParked ?? RefusalReason.PoolFull);

    private DroppedTransaction Drop(WaitingTransaction waiting, RefusalReason reason)
    {
        TakeOut(waiting);
        leaving[waiting.Transaction.Id] = waiting;
        return new DroppedTransaction(waiting.Transaction.Id, waiting.Transaction.ExpiryHeight, reason);
    }
}
