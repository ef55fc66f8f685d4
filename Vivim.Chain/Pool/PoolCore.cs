using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>What the pool says to a submitted transaction.</summary>
/// <param name="Admit">It is to be journalled; only then may it be acknowledged.</param>
/// <param name="Dropped">What goes for it: to be journalled after it.</param>
public readonly record struct Admission(bool Admit, Refusal? Refusal, IReadOnlyList<DroppedTransaction> Dropped)
{
    /// <summary>The same bytes are here already.</summary>
    public static readonly Admission Known = new(false, null, []);

    /// <summary>It is not taken.</summary>
    public static Admission Refused(Refusal refusal) => new(false, refusal, []);
}

/// <summary>
/// One partition of the transaction pool: which transactions wait, by sender and nonce, and who gives way when there is no room. A deterministic
/// core: it is told of admissions, journal writes and committed blocks, and reads no clock.
/// </summary>
/// <param name="tip">The chain as the partition knows it when it starts.</param>
public sealed partial class PoolCore(string chainId, ChainParameters parameters, PoolLimits limits, PoolTip tip)
{
    /// <summary>Expired transactions that are remembered, so that their senders can ask.</summary>
    private const int MaxExpired = 10_000;

    /// <summary>Transactions of one sender taken in a turn, so that nobody fills a block while others wait.</summary>
    private const int TurnLength = 16;

    private readonly Dictionary<Did, SenderQueue> senders = [];
    private readonly Dictionary<Hash256, WaitingTransaction> byId = [];

    // The sender whose transactions were included longest ago comes first.
    private readonly LinkedList<SenderQueue> turns = new();
    private readonly PoolSpace space = new(limits);
    private readonly OriginShares shares = new();
    private readonly ExpiryIndex expiries = new();
    private readonly HashSet<Hash256> expired = [];
    private readonly Queue<Hash256> expiredOrder = new();
    private readonly SortedDictionary<long, int> unsettled = [];
    private PoolTip tip = tip;
    private long lastSequenceNr;

    /// <summary>The height of the last block this partition has heard of.</summary>
    public ulong Height => tip.Height;

    /// <summary>Transactions held.</summary>
    public int Count => byId.Count;

    /// <summary>Places taken, and those of them that parked transactions take.</summary>
    public (int Taken, int Parked) Places => (space.Taken, space.Parked);

    /// <summary>Journal entries up to this sequence number hold nothing that still waits.</summary>
    public long SettledUpTo => unsettled.Count == 0 ? lastSequenceNr : unsettled.First().Key - 1;

    /// <summary>Whether the next block could include anything.</summary>
    public bool HasWork => space.HasWork;

    /// <summary>Decides on a transaction whose form and signature are good, and takes it in when it is to be admitted.</summary>
    /// <param name="sender">The sender as of a height not below <see cref="Height"/>.</param>
    /// <param name="origin">See <see cref="SubmitTransactions.Origin"/>.</param>
    public Admission Admit(Transaction transaction, SenderState sender, string origin = "")
    {
        if (byId.ContainsKey(transaction.Id)) return Admission.Known;
        if (InclusionRules.CheckAlone(transaction, sender, chainId, tip.NextHeight, parameters) is { } wrong) return Admission.Refused(wrong);
        if (senders.TryGetValue(transaction.Sender, out var queue)) Advance(queue, sender.Account);
        queue = senders.GetValueOrDefault(transaction.Sender);
        var account = queue?.Account ?? sender.Account;
        if (Check(transaction, account, queue, origin) is { } refusal) return Admission.Refused(refusal);
        var isParked = queue is null ? transaction.Nonce != account.Nonce : !queue.Continues(transaction.Nonce);
        if (MakeRoom(transaction, queue, isParked) is not { } gone) return Admission.Refused(NoRoom(transaction, account, isParked));
        Insert(transaction, account, origin);
        return new Admission(true, null, gone);
    }

    /// <summary>The journal holds these from now on: they may be put into blocks.</summary>
    public void MarkDurable(IEnumerable<Hash256> ids, long sequenceNr)
    {
        foreach (var id in ids)
        {
            if (!byId.TryGetValue(id, out var waiting) && !leaving.TryGetValue(id, out waiting)) continue;
            var isFirst = waiting.Queue.Count > 0 && waiting.Queue[0] == waiting;
            if (isFirst) space.TakeOut(waiting.Queue);
            SetSequenceNr(waiting, sequenceNr);
            if (isFirst) space.PutBack(waiting.Queue);
        }

        SkipTo(sequenceNr);
    }

    /// <summary>Transactions that still wait and are journalled up to a number: written again, they allow those entries to be deleted.</summary>
    public IReadOnlyList<Transaction> WaitingUpTo(long sequenceNr) =>
    [
        .. byId.Values.Where(waiting => waiting.SequenceNr > 0 && waiting.SequenceNr <= sequenceNr)
            .OrderBy(waiting => waiting.SequenceNr)
            .Select(waiting => waiting.Transaction),
    ];

    /// <summary>The journal has these in a later entry as well.</summary>
    public void MoveWaiting(IEnumerable<Hash256> ids, long sequenceNr)
    {
        foreach (var id in ids)
        {
            if (!byId.TryGetValue(id, out var waiting) && !leaving.TryGetValue(id, out waiting)) continue;
            SetSequenceNr(waiting, sequenceNr);
        }

        SkipTo(sequenceNr);
    }

    /// <summary>The journal goes up to here.</summary>
    public void SkipTo(long sequenceNr) => lastSequenceNr = Math.Max(lastSequenceNr, sequenceNr);

    /// <summary>What the next block could include: durable, nonces without gaps, senders taking turns.</summary>
    public IReadOnlyList<TransactionEnvelope> Reap(int maxTransactions, long maxBytes)
    {
        var reaped = new List<TransactionEnvelope>();
        var registrationsLeft = tip.RegistrationsLeft;
        var inTurn = new Queue<(SenderQueue Sender, int From)>(turns.Where(queue => queue.HasWork).Select(queue => (queue, 0)));
        while (inTurn.TryDequeue(out var turn))
        {
            var index = turn.From;
            for (; index < Math.Min(turn.Sender.Ready, turn.From + TurnLength); index++)
            {
                var waiting = turn.Sender[index];
                if (waiting.SequenceNr == 0 || (waiting.IsRegistration && registrationsLeft == 0)) break;
                var envelope = waiting.Transaction.Envelope;
                if (reaped.Count >= maxTransactions || envelope.Size > maxBytes) return reaped;
                reaped.Add(envelope);
                maxBytes -= envelope.Size;
                if (waiting.IsRegistration) registrationsLeft--;
            }

            if (index == turn.From + TurnLength) inTurn.Enqueue((turn.Sender, index));
        }

        return reaped;
    }

    /// <summary>A block is final: its senders' next nonces are known, what has expired goes, and the next block may include other things.</summary>
    public void OnCommitted(PoolTip committed, IReadOnlyDictionary<Did, ulong> nextNonces)
    {
        if (committed.Height < Height) return;
        var before = tip;
        tip = committed;
        foreach (var (sender, nonce) in nextNonces)
        {
            if (!senders.TryGetValue(sender, out var queue)) continue;
            turns.Remove(queue.Turn);
            turns.AddLast(queue.Turn);
            Advance(queue, queue.AccountAfter(committed.Height, nonce, parameters));
        }

        foreach (var waiting in expiries.UpTo(Height))
        {
            TakeOut(waiting);
            Settle(waiting);
            RememberExpired(waiting.Transaction.Id);
        }

        var isNewWindow = WindowOf(before) != WindowOf(tip);
        if (isNewWindow) ShareAgain();
        var opensOrCloses = (before.RegistrationsLeft == 0) != (tip.RegistrationsLeft == 0);
        if (isNewWindow || opensOrCloses || before.Authorities.Hash != tip.Authorities.Hash) JudgeAll();
    }

    /// <summary>The senders with waiting transactions.</summary>
    public IReadOnlyCollection<Did> SenderDids => senders.Keys;

    /// <summary>The chain has gone on past blocks that this partition has not heard of one by one: what their senders' accounts are by now.</summary>
    public void Refresh(IReadOnlyDictionary<Did, AccountRecord> accounts)
    {
        foreach (var (sender, account) in accounts)
        {
            if (senders.TryGetValue(sender, out var queue)) Advance(queue, account);
        }
    }

    /// <summary>What this partition knows of a transaction that is not in a block.</summary>
    public PoolTransactionState Find(in Hash256 id)
    {
        if (byId.ContainsKey(id) || leaving.ContainsKey(id)) return new PoolTransactionState(PoolState.Pending, Height);
        if (dropped.TryFind(id, out var drop)) return new PoolTransactionState(PoolState.Dropped, Height) { Dropped = drop.Refusal };
        return new PoolTransactionState(expired.Contains(id) ? PoolState.Expired : PoolState.Unknown, Height);
    }

    /// <summary>Whether a transaction waits here.</summary>
    public bool Holds(in Hash256 id) => byId.ContainsKey(id);

    private Refusal? Check(Transaction transaction, AccountRecord account, SenderQueue? queue, string origin)
    {
        var next = account.Nonce;
        var nonce = transaction.Nonce;
        if (nonce < next) return new Refusal(RefusalReason.NonceStale, $"nonce {nonce} is used by another transaction, the next is {next}");
        if (nonce - next >= parameters.MaxNonceAhead)
        {
            var ahead = $"nonce {nonce} is {nonce - next} ahead of the committed {next}, less than {parameters.MaxNonceAhead} is allowed";
            return new Refusal(RefusalReason.NonceTooFar, $"{ahead}: wait for commits");
        }

        if (queue?.Contains(nonce) == true)
        {
            var conflict = $"another transaction with nonce {nonce} is waiting: use the next free nonce, or wait until it is committed or expires";
            return new Refusal(RefusalReason.NonceConflict, conflict);
        }

        if (leaving.ContainsKey(transaction.Id))
            return new Refusal(RefusalReason.PoolFull, "the pool is dropping this transaction to make room: send it again shortly");
        var quota = account.QuotaLeft(tip.NextHeight, parameters.QuotaWindowHeights, parameters.QuotaActions);
        if (quota <= (uint)(queue?.Count ?? 0)) return InclusionRules.QuotaExceeded(tip.NextHeight, parameters);
        var behind = queue?.RegistrationsBehind(nonce) ?? [];
        return transaction.Action is RegisterIdentity || behind.Count > 0 ? CheckShare(origin, behind) : null;
    }

    /// <summary>
    /// Whether an address may have another registration. Those that wait behind it get their places of the window with it, and are the
    /// address's own from then on.
    /// </summary>
    private Refusal? CheckShare(string origin, IReadOnlyList<WaitingTransaction> behind)
    {
        // A partition gives out its part of what the chain has left.
        var free = ((tip.RegistrationsLeft + PoolPartitions.Count - 1L) / PoolPartitions.Count) - space.Registrations - behind.Count;
        if (free <= 0) return InclusionRules.RegistrationsExceeded(tip.NextHeight, parameters);
        if (origin.Length == 0 || !shares.HasHadItsShare(origin, free, behind.Count(waiting => waiting.Origin != origin))) return null;
        var height = InclusionRules.NextWindow(tip.NextHeight, parameters);
        var share = $"this address has had its share of the registrations that the chain takes per {parameters.QuotaWindowHeights} heights";
        return new Refusal(RefusalReason.RegistrationsLimited, $"{share}: send again from height {height}");
    }

    private void Insert(Transaction transaction, AccountRecord account, string origin)
    {
        if (!senders.TryGetValue(transaction.Sender, out var queue))
        {
            senders[transaction.Sender] = queue = new SenderQueue(transaction.Sender, account);
            turns.AddLast(queue.Turn);
        }

        foreach (var behind in queue.RegistrationsBehind(transaction.Nonce)) Charge(behind, origin);
        var waiting = new WaitingTransaction(transaction, queue, limits.PlacesOf(transaction), origin);
        Change(queue, () => queue.Add(waiting));
        byId[transaction.Id] = waiting;
        expiries.Add(waiting);
        waiting.DropSequenceNr = dropped.Remove(transaction.Id);
        Need(waiting.DropSequenceNr);
        if (waiting.IsRegistration && origin.Length > 0) shares.Add(origin);
    }

    private void Charge(WaitingTransaction registration, string origin)
    {
        if (registration.Origin.Length > 0) shares.GiveBack(registration.Origin);
        registration.Origin = origin;
        if (origin.Length > 0) shares.Add(origin);
    }

    /// <summary>A sender's account has gone on.</summary>
    private void Advance(SenderQueue queue, AccountRecord account)
    {
        if (account.Nonce <= queue.Account.Nonce) return;
        IReadOnlyList<WaitingTransaction> settled = [];
        Change(queue, () => settled = queue.Advance(account));
        foreach (var waiting in settled)
        {
            Forget(waiting);
            Settle(waiting);
        }
    }

    /// <summary>Takes a transaction out of the pool; its journal entry is not settled by that.</summary>
    private void TakeOut(WaitingTransaction waiting)
    {
        Change(waiting.Queue, () => waiting.Queue.Remove(waiting));
        Forget(waiting);
        if (waiting.IsRegistration) shares.GiveBack(waiting.Origin);
    }

    private void Forget(WaitingTransaction waiting)
    {
        byId.Remove(waiting.Transaction.Id);
        expiries.Remove(waiting);
    }

    private void SetSequenceNr(WaitingTransaction waiting, long sequenceNr)
    {
        Settle(waiting);
        waiting.SequenceNr = sequenceNr;
        Need(sequenceNr);
    }

    /// <summary>The journal's entries of a transaction need not be kept for it any more.</summary>
    private void Settle(WaitingTransaction waiting)
    {
        Release(waiting.SequenceNr);
        Release(waiting.DropSequenceNr);
        waiting.DropSequenceNr = 0;
    }

    private void Need(long sequenceNr)
    {
        if (sequenceNr > 0) unsettled[sequenceNr] = unsettled.GetValueOrDefault(sequenceNr) + 1;
    }

    private void Release(long sequenceNr)
    {
        if (sequenceNr > 0 && --unsettled[sequenceNr] == 0) unsettled.Remove(sequenceNr);
    }

    private void Change(SenderQueue queue, Action change)
    {
        space.TakeOut(queue);
        change();
        queue.Judge(tip, parameters);
        space.PutBack(queue);
        if (queue.Count > 0) return;
        senders.Remove(queue.Sender);
        if (queue.Turn.List is not null) turns.Remove(queue.Turn);
    }

    private void JudgeAll()
    {
        foreach (var queue in senders.Values.ToList()) Change(queue, static () => { });
    }

    /// <summary>Another window begins: of the registrations, only those that still wait count in it.</summary>
    private void ShareAgain()
    {
        shares.Clear();
        foreach (var waiting in byId.Values.Where(waiting => waiting.IsRegistration && waiting.Origin.Length > 0)) shares.Add(waiting.Origin);
    }

    private ulong WindowOf(PoolTip at) => at.NextHeight / parameters.QuotaWindowHeights;

    private void RememberExpired(in Hash256 id)
    {
        if (!expired.Add(id)) return;
        expiredOrder.Enqueue(id);
        if (expiredOrder.Count > MaxExpired) expired.Remove(expiredOrder.Dequeue());
    }
}
