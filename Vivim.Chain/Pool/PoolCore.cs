using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>How much a partition holds at most.</summary>
/// <param name="MaxTransactions">Waiting transactions.</param>
/// <param name="MaxBytes">Their encodings, in bytes.</param>
public sealed record PoolLimits(int MaxTransactions, long MaxBytes);

/// <summary>What the pool says to a submitted transaction.</summary>
/// <param name="Admit">It is to be journalled; only then may it be acknowledged.</param>
public readonly record struct Admission(bool Admit, Refusal? Refusal)
{
    /// <summary>New: journal it.</summary>
    public static readonly Admission New = new(true, null);

    /// <summary>The same bytes are here already.</summary>
    public static readonly Admission Known = new(false, null);
}

/// <summary>
/// One partition of the transaction pool: which transactions wait, by sender and nonce. A deterministic core: it is told of admissions,
/// journal writes and committed blocks, and reads no clock.
/// </summary>
public sealed class PoolCore(string chainId, ChainParameters parameters, PoolLimits limits)
{
    /// <summary>Expired transactions that are remembered, so that their senders can ask.</summary>
    private const int MaxExpired = 10_000;

    /// <summary>Transactions of one sender taken in a turn, so that nobody fills a block while others wait.</summary>
    private const int TurnLength = 16;

    private readonly Dictionary<Did, Queue> senders = [];
    private readonly Dictionary<Hash256, Waiting> byId = [];
    private readonly HashSet<Hash256> expired = [];
    private readonly Queue<Hash256> expiredOrder = new();
    private readonly SortedDictionary<long, int> unsettled = [];
    private long bytes;
    private long lastSequenceNr;

    private sealed class Queue
    {
        public ulong NextNonce { get; set; }

        public SortedDictionary<ulong, Waiting> ByNonce { get; } = [];
    }

    private sealed class Waiting(Transaction transaction)
    {
        public Transaction Transaction { get; } = transaction;

        /// <summary>The journal's sequence number; 0 while the write is under way.</summary>
        public long SequenceNr { get; set; }
    }

    /// <summary>The height of the last block this partition has heard of.</summary>
    public ulong Height { get; private set; }

    /// <summary>Transactions held.</summary>
    public int Count => byId.Count;

    /// <summary>Journal entries up to this sequence number hold nothing that still waits.</summary>
    public long SettledUpTo => unsettled.Count == 0 ? lastSequenceNr : unsettled.First().Key - 1;

    /// <summary>Decides on a transaction whose form and signature are good, and takes it in when it is to be admitted.</summary>
    /// <param name="sender">The sender as of a height not below <see cref="Height"/>.</param>
    public Admission Admit(Transaction transaction, SenderState sender, uint registrationsLeft)
    {
        if (byId.ContainsKey(transaction.Id)) return Admission.Known;
        var queue = senders.GetValueOrDefault(transaction.Sender);
        if (Check(transaction, sender, queue, registrationsLeft) is { } refusal) return new Admission(false, refusal);
        Insert(transaction, sender.Account.Nonce);
        return Admission.New;
    }

    /// <summary>Takes in a transaction read back from the journal, unless it is settled by now.</summary>
    public void Recover(Transaction transaction, ulong committedNonce, long sequenceNr)
    {
        if (byId.ContainsKey(transaction.Id) || transaction.Nonce < committedNonce) return;
        if (transaction.ExpiryHeight <= Height)
        {
            RememberExpired(transaction.Id);
            return;
        }

        Insert(transaction, committedNonce);
        MarkDurable([transaction.Id], sequenceNr);
    }

    /// <summary>The journal holds these from now on: they may be put into blocks.</summary>
    public void MarkDurable(IEnumerable<Hash256> ids, long sequenceNr)
    {
        foreach (var id in ids)
        {
            if (!byId.TryGetValue(id, out var waiting)) continue;
            waiting.SequenceNr = sequenceNr;
            unsettled[sequenceNr] = unsettled.GetValueOrDefault(sequenceNr) + 1;
        }

        lastSequenceNr = Math.Max(lastSequenceNr, sequenceNr);
    }

    /// <summary>The journal goes up to here; entries that are not recovered hold nothing.</summary>
    public void SkipTo(long sequenceNr) => lastSequenceNr = Math.Max(lastSequenceNr, sequenceNr);

    /// <summary>Whether the next block could include anything.</summary>
    public bool HasWork => senders.Values.Any(queue => queue.ByNonce.TryGetValue(queue.NextNonce, out var first) && first.SequenceNr > 0);

    /// <summary>What the next block could include: durable, nonces without gaps, senders taking turns.</summary>
    public IReadOnlyList<TransactionEnvelope> Reap(int maxTransactions, long maxBytes)
    {
        var reaped = new List<TransactionEnvelope>();
        var turns = new Queue<(Queue Sender, ulong Nonce)>(senders.Values.Select(queue => (queue, queue.NextNonce)));
        while (turns.TryDequeue(out var turn))
        {
            var nonce = turn.Nonce;
            for (; nonce < turn.Nonce + TurnLength; nonce++)
            {
                if (!turn.Sender.ByNonce.TryGetValue(nonce, out var waiting) || waiting.SequenceNr == 0) break;
                var envelope = waiting.Transaction.Envelope;
                if (reaped.Count >= maxTransactions || envelope.Size > maxBytes) return reaped;
                reaped.Add(envelope);
                maxBytes -= envelope.Size;
            }

            if (nonce == turn.Nonce + TurnLength) turns.Enqueue((turn.Sender, nonce));
        }

        return reaped;
    }

    /// <summary>A block is final: its senders' next nonces are known, and what has expired goes.</summary>
    public void OnCommitted(ulong height, IReadOnlyDictionary<Did, ulong> nextNonces)
    {
        Height = Math.Max(Height, height);
        foreach (var (sender, nonce) in nextNonces)
        {
            if (!senders.TryGetValue(sender, out var queue)) continue;
            queue.NextNonce = Math.Max(queue.NextNonce, nonce);
            while (queue.ByNonce.Count > 0 && queue.ByNonce.First() is var (first, waiting) && first < nonce) Remove(queue, first, waiting);
            if (queue.ByNonce.Count == 0) senders.Remove(sender);
        }

        DropExpired();
    }

    public PoolState Find(in Hash256 id) => byId.ContainsKey(id) ? PoolState.Pending : expired.Contains(id) ? PoolState.Expired : PoolState.Unknown;

    private Refusal? Check(Transaction transaction, SenderState sender, Queue? queue, uint registrationsLeft)
    {
        var nextHeight = Height + 1;
        if (InclusionRules.CheckAlone(transaction, sender, chainId, nextHeight, parameters) is { } refusal) return refusal;
        var next = Math.Max(sender.Account.Nonce, queue?.NextNonce ?? 0);
        if (transaction.Nonce < next) return new Refusal(RefusalReason.NonceStale, $"nonce {transaction.Nonce} is used by another transaction, the next is {next}");
        if (transaction.Nonce - next >= parameters.MaxNonceAhead) return new Refusal(RefusalReason.NonceTooFar, $"nonce {transaction.Nonce} is {transaction.Nonce - next} ahead of the committed {next}, less than {parameters.MaxNonceAhead} is allowed: wait for commits");
        if (queue?.ByNonce.ContainsKey(transaction.Nonce) == true) return new Refusal(RefusalReason.NonceConflict, $"another transaction with nonce {transaction.Nonce} is waiting: use the next free nonce, or wait until it is committed or expires");
        if (sender.Account.QuotaLeft(nextHeight, parameters.QuotaWindowHeights, parameters.QuotaActions) <= (uint)(queue?.ByNonce.Count ?? 0)) return InclusionRules.QuotaExceeded(nextHeight, parameters);
        if (transaction.Action is RegisterIdentity && registrationsLeft == 0) return InclusionRules.RegistrationsExceeded(nextHeight, parameters);
        if (Count >= limits.MaxTransactions || bytes + transaction.Envelope.Size > limits.MaxBytes) return new Refusal(RefusalReason.PoolFull, $"this partition of the pool holds {Count} transactions and is full: send again after the next block");
        return null;
    }

    private void Insert(Transaction transaction, ulong committedNonce)
    {
        if (!senders.TryGetValue(transaction.Sender, out var queue)) senders[transaction.Sender] = queue = new Queue { NextNonce = committedNonce };
        var waiting = new Waiting(transaction);
        queue.ByNonce[transaction.Nonce] = waiting;
        byId[transaction.Id] = waiting;
        bytes += transaction.Envelope.Size;
    }

    private void Remove(Queue queue, ulong nonce, Waiting waiting)
    {
        queue.ByNonce.Remove(nonce);
        byId.Remove(waiting.Transaction.Id);
        bytes -= waiting.Transaction.Envelope.Size;
        if (waiting.SequenceNr == 0) return;
        if (--unsettled[waiting.SequenceNr] == 0) unsettled.Remove(waiting.SequenceNr);
    }

    private void DropExpired()
    {
        var gone = byId.Values.Where(waiting => waiting.Transaction.ExpiryHeight <= Height).ToList();
        foreach (var waiting in gone)
        {
            var sender = waiting.Transaction.Sender;
            var queue = senders[sender];
            Remove(queue, waiting.Transaction.Nonce, waiting);
            if (queue.ByNonce.Count == 0) senders.Remove(sender);
            RememberExpired(waiting.Transaction.Id);
        }
    }

    private void RememberExpired(in Hash256 id)
    {
        if (!expired.Add(id)) return;
        expiredOrder.Enqueue(id);
        if (expiredOrder.Count > MaxExpired) expired.Remove(expiredOrder.Dequeue());
    }
}
