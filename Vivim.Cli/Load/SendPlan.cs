using Vivim.Protocol;
using Vivim.Protocol.Transactions;

namespace Vivim.Cli.Load;

/// <summary>One transaction of the plan: a sender's number and a nonce.</summary>
public readonly record struct Slot(int Sender, ulong Nonce);

/// <summary>Consecutive nonces of one sender, to be signed and sent now.</summary>
public readonly record struct Turn(int Sender, ulong FirstNonce, int Count);

/// <summary>How many transactions a sender has in all, and how many of them, the first ones, are included already.</summary>
public readonly record struct SenderWork(ulong Total, ulong Included);

/// <summary>
/// Decides which transaction goes out next and keeps account of what became of each. Senders take turns; no nonce goes out further
/// beyond the included ones than a pool takes; what a pool refuses for now goes out again later. Not safe for concurrent use.
/// </summary>
public sealed class SendPlan
{
    private sealed class Sender
    {
        /// <summary>Nonces from here on are not sent: there are no more, or one before them can never be included.</summary>
        public ulong End { get; set; }

        public ulong Included { get; set; }

        public ulong Next { get; set; }

        public bool IsQueued { get; set; }

        public bool IsHeld { get; set; }
    }

    private sealed class Pending(Slot slot)
    {
        public Slot Slot { get; } = slot;

        public bool IsAcknowledged { get; set; }
    }

    private static readonly HashSet<string> RefusedForNow = new(
        ((RefusalReason[])[RefusalReason.NonceTooFar, RefusalReason.NonceConflict, RefusalReason.NonceGap, RefusalReason.QuotaExceeded, RefusalReason.RegistrationsExceeded, RefusalReason.RegistrationsLimited, RefusalReason.PoolFull, RefusalReason.Expired])
        .Select(Refusal.CodeOf).Append(Refusal.OutcomeUnknown), StringComparer.Ordinal);

    private static readonly string Stale = Refusal.CodeOf(RefusalReason.NonceStale);
    private static readonly string Ok = UpperSnakeCase.Of(nameof(ReceiptCode.Ok));

    private readonly Sender[] senders;
    private readonly ulong maxNonceAhead;
    private readonly int maxOutstanding;
    private readonly Queue<int> ready = new();
    private readonly Queue<Slot> again = new();
    private readonly Queue<Slot> deferred = new();
    private readonly Dictionary<Hash256, Pending> pending = [];
    private readonly SortedDictionary<string, long> rejections = new(StringComparer.Ordinal);

    /// <param name="work">Each sender's work.</param>
    /// <param name="maxNonceAhead">The chain's limit of that name.</param>
    /// <param name="maxOutstanding">Transactions taken that have neither a receipt nor a refusal yet.</param>
    public SendPlan(IEnumerable<SenderWork> work, uint maxNonceAhead, int maxOutstanding)
    {
        this.maxNonceAhead = maxNonceAhead;
        this.maxOutstanding = maxOutstanding;
        senders = [.. work.Select(w => new Sender { End = w.Total, Included = w.Included, Next = w.Included })];
        Total = senders.Sum(s => (long)(s.End - s.Included));
        for (var sender = 0; sender < senders.Length; sender++) Queue(sender);
    }

    /// <summary>Transactions to be sent in all.</summary>
    public long Total { get; }

    /// <summary>Distinct transactions acknowledged.</summary>
    public long Submitted { get; private set; }

    /// <summary>Transactions with a receipt that says OK, and those whose nonce an earlier run's transaction turned out to have used.</summary>
    public long Committed { get; private set; }

    /// <summary>Transactions whose receipt says something else, that were refused for good, or that stand behind one that was.</summary>
    public long Rejected => rejections.Values.Sum();

    /// <summary>How many were rejected, by the receipt's code or the refusal's reason.</summary>
    public IReadOnlyDictionary<string, long> Rejections => rejections;

    /// <summary>Acknowledged transactions without a receipt.</summary>
    public long Unsettled => pending.Values.Count(p => p.IsAcknowledged);

    /// <summary>The reason of the last refusal that is waited out, or null when nothing waits.</summary>
    public string? WaitingFor { get; private set; }

    /// <summary>True when every transaction has its receipt or its final refusal.</summary>
    public bool IsDone => Committed + Rejected == Total;

    private int Outstanding { get; set; }

    /// <summary>Takes the next turn, of at most <paramref name="maxCount"/> transactions.</summary>
    /// <returns>False when there is nothing to send before a receipt, an answer or <see cref="Release"/>.</returns>
    public bool TryTake(int maxCount, out Turn turn)
    {
        turn = default;
        if (Outstanding >= maxOutstanding) return false;
        while (again.TryDequeue(out var slot))
        {
            if (slot.Nonce >= senders[slot.Sender].End) continue;
            turn = new Turn(slot.Sender, slot.Nonce, 1);
            Outstanding++;
            return true;
        }

        while (ready.TryDequeue(out var number))
        {
            var sender = senders[number];
            sender.IsQueued = false;
            if (!CanSend(sender)) continue;
            var count = (int)Math.Min(Limit(sender) - sender.Next, (ulong)Math.Min(maxCount, maxOutstanding - Outstanding));
            turn = new Turn(number, sender.Next, count);
            sender.Next += (ulong)count;
            Outstanding += count;
            Queue(number);
            return true;
        }

        return false;
    }

    /// <summary>A transaction of a turn has been signed, has this id and is about to be sent.</summary>
    /// <returns>False when it must not be sent any more.</returns>
    public bool Track(Slot slot, Hash256 id)
    {
        if (slot.Nonce < senders[slot.Sender].End && pending.TryAdd(id, new Pending(slot))) return true;
        Outstanding--;
        return false;
    }

    /// <summary>The node has made it durable.</summary>
    public void Acknowledge(Hash256 id)
    {
        Submitted++;
        if (pending.TryGetValue(id, out var entry)) entry.IsAcknowledged = true;
    }

    /// <summary>The node did not take it.</summary>
    public void Refuse(Hash256 id, string reason)
    {
        if (!pending.Remove(id, out var entry)) return;
        Outstanding--;
        if (reason == Stale)
        {
            Committed++;
            Include(entry.Slot);
        }
        else if (RefusedForNow.Contains(reason))
        {
            deferred.Enqueue(entry.Slot);
            senders[entry.Slot.Sender].IsHeld = true;
            WaitingFor = reason;
        }
        else
        {
            Block(entry.Slot, reason);
        }
    }

    /// <summary>The node has let it go after it was acknowledged: it counts as one that was refused.</summary>
    public void Drop(Hash256 id, string reason)
    {
        if (!pending.TryGetValue(id, out var entry) || !entry.IsAcknowledged) return;
        Submitted--;
        Refuse(id, reason);
    }

    /// <summary>Acknowledged transactions without a receipt, at most as many as wanted. The lowest nonces come first: higher ones wait for them.</summary>
    public IReadOnlyList<Hash256> UnsettledIds(int limit) =>
        [.. pending.Where(p => p.Value.IsAcknowledged).OrderBy(p => p.Value.Slot.Nonce).Take(limit).Select(p => p.Key)];

    /// <summary>It is in a block.</summary>
    /// <returns>False when it is not one of this plan.</returns>
    public bool Settle(Hash256 id, string code)
    {
        if (!pending.Remove(id, out var entry)) return false;
        Outstanding--;
        if (code == Ok) Committed++;
        else CountRejected(code, 1);
        Include(entry.Slot);
        return true;
    }

    /// <summary>Lets what was refused for now go out again: after a block, or after a while.</summary>
    public void Release()
    {
        WaitingFor = null;
        while (deferred.TryDequeue(out var slot))
        {
            senders[slot.Sender].IsHeld = false;
            again.Enqueue(slot);
            Queue(slot.Sender);
        }
    }

    private void Include(Slot slot)
    {
        var sender = senders[slot.Sender];
        sender.Included = Math.Max(sender.Included, slot.Nonce + 1);
        Queue(slot.Sender);
    }

    /// <summary>A nonce that can never be used stops its sender: none of the later ones can be included.</summary>
    private void Block(Slot slot, string reason)
    {
        var sender = senders[slot.Sender];
        CountRejected(reason, (long)(sender.End - slot.Nonce));
        sender.End = slot.Nonce;
        foreach (var (id, entry) in pending)
        {
            if (entry.Slot.Sender != slot.Sender || entry.Slot.Nonce < slot.Nonce) continue;
            pending.Remove(id);
            Outstanding--;
        }
    }

    private void CountRejected(string reason, long count)
    {
        if (count > 0) rejections[reason] = rejections.GetValueOrDefault(reason) + count;
    }

    private void Queue(int number)
    {
        var sender = senders[number];
        if (sender.IsQueued || !CanSend(sender)) return;
        sender.IsQueued = true;
        ready.Enqueue(number);
    }

    private bool CanSend(Sender sender) => !sender.IsHeld && sender.Next < Limit(sender);

    private ulong Limit(Sender sender) => Math.Min(sender.End, sender.Included + maxNonceAhead);
}
