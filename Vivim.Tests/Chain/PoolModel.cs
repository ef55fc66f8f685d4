using Vivim.Chain.Pool;
using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Chain;

/// <summary>
/// A <see cref="PoolCore"/> beside the simplest thing that should behave the same: one list of what waits. Around them a small world that
/// submits, writes the journal, commits blocks that the pool hears of later, and crashes.
/// </summary>
internal sealed class PoolModel
{
    public const string ChainId = "vivim-test";
    public const int SenderCount = 3;

    /// <summary>Small, so that every limit is met.</summary>
    public static readonly ChainParameters Parameters = new() { MaxNonceAhead = 5, QuotaActions = 6, QuotaWindowHeights = 4, MaxExpiryAhead = 6 };

    public static readonly PoolLimits Limits = new(10, 1_500);

    private readonly AccountRecord[] accounts = [.. Enumerable.Repeat(AccountRecord.Empty, SenderCount)];
    private readonly List<Entry> waiting = [];
    private readonly HashSet<Hash256> expired = [];
    private readonly HashSet<Hash256> seen = [];
    private readonly List<Transaction> batch = [];
    private readonly Queue<(long SequenceNr, List<Transaction> Transactions)> writes = new();
    private readonly List<(long SequenceNr, List<Transaction> Transactions)> journal = [];
    private readonly List<(long SequenceNr, List<Transaction> Transactions)> trimmedJournal = [];
    private readonly Queue<(ulong Height, Dictionary<Did, ulong> NextNonces)> unheard = new();
    private PoolCore core = new(ChainId, Parameters, Limits);
    private ulong height;
    private ulong heardHeight;
    private long written;
    private long confirmed;

    private sealed class Entry(Transaction transaction, long sequenceNr)
    {
        public Transaction Transaction { get; } = transaction;

        public long SequenceNr { get; set; } = sequenceNr;
    }

    /// <summary>Sender 2 is a key that registers; the others are persons.</summary>
    public static Did Sender(int sender) => sender == 2 ? Did.OfKey(KeyOf(2)) : new Did(DidMethod.Vivim, Hash256.Of([(byte)sender]));

    public static Transaction TransactionOf(int sender, ulong nonce, ulong expiry, int variant, int bodySize = 60)
    {
        var id = Hash256.Of([(byte)sender, (byte)nonce, (byte)expiry, (byte)variant, (byte)bodySize]);
        var envelope = new TransactionEnvelope(new byte[bodySize], KeyOf(sender), default);
        TransactionAction action = sender == 2 ? new RegisterIdentity(Sender(0), KeyOf(2), [KeyOf(1)]) : new Follow(Sender(1));
        return new Transaction(envelope, id, ChainId, Sender(sender), nonce, expiry, 0, action);
    }

    public void Submit(int sender, int ahead, int life, int variant, uint registrationsLeft)
    {
        var nonce = (ulong)Math.Max(0, (long)accounts[sender].Nonce + ahead);
        var transaction = TransactionOf(sender, nonce, heardHeight + (ulong)life, variant, variant == 0 ? 60 : 200);
        seen.Add(transaction.Id);
        var expected = Expect(transaction, sender, registrationsLeft);
        var admission = core.Admit(transaction, new SenderState(accounts[sender], KeyOf(sender), IsAuthority: false), registrationsLeft);
        Assert.Equal((expected.Admit, expected.Reason), (admission.Admit, admission.Refusal?.Reason));
        if (!admission.Admit) return;
        waiting.Add(new Entry(transaction, 0));
        batch.Add(transaction);
    }

    /// <summary>The shell hands a batch to the journal.</summary>
    public void Write()
    {
        if (batch.Count == 0) return;
        writes.Enqueue((++written, [.. batch]));
        batch.Clear();
    }

    /// <summary>The journal confirms its oldest write.</summary>
    public void Confirm()
    {
        if (!writes.TryDequeue(out var write)) return;
        Store(write);
        confirmed = write.SequenceNr;
        var ids = write.Transactions.Select(t => t.Id).ToHashSet();
        foreach (var entry in waiting.Where(e => ids.Contains(e.Transaction.Id))) entry.SequenceNr = write.SequenceNr;
        core.MarkDurable(ids, write.SequenceNr);
    }

    /// <summary>A block with some of what the pool would give, and others' transactions of one sender.</summary>
    public void Commit(int sender, int foreign, int reaped)
    {
        height++;
        var counts = new int[SenderCount];
        if (unheard.Count == 0)
        {
            foreach (var envelope in core.Reap(reaped, long.MaxValue)) counts[Array.FindIndex([.. Enumerable.Range(0, SenderCount)], s => KeyOf(s) == envelope.Signer)]++;
        }

        counts[sender] += foreign;
        var nextNonces = new Dictionary<Did, ulong>();
        for (var i = 0; i < SenderCount; i++)
        {
            if (counts[i] == 0) continue;
            var window = height / Parameters.QuotaWindowHeights;
            var used = accounts[i].QuotaWindow == window ? accounts[i].QuotaUsed : 0;
            accounts[i] = accounts[i] with { Nonce = accounts[i].Nonce + (ulong)counts[i], QuotaWindow = window, QuotaUsed = used + (uint)counts[i] };
            nextNonces[Sender(i)] = accounts[i].Nonce;
        }

        unheard.Enqueue((height, nextNonces));
    }

    /// <summary>The pool hears of the oldest block it has not heard of.</summary>
    public void Hear()
    {
        if (!unheard.TryDequeue(out var block)) return;
        core.OnCommitted(block.Height, block.NextNonces);
        heardHeight = Math.Max(heardHeight, block.Height);
        foreach (var (sender, nonce) in block.NextNonces) waiting.RemoveAll(e => e.Transaction.Sender == sender && e.Transaction.Nonce < nonce);
        Expire();
    }

    /// <summary>The journal forgets what the pool says is settled.</summary>
    public void Trim() => trimmedJournal.RemoveAll(write => write.SequenceNr <= core.SettledUpTo);

    /// <summary>The process ends; of the writes under way, the first ones are in the journal. A new one reads the chain's head and the journal.</summary>
    public void Crash(int kept)
    {
        for (; kept > 0 && writes.TryDequeue(out var write); kept--) Store(write);
        written = confirmed = journal.Select(w => w.SequenceNr).DefaultIfEmpty(0).Max();
        writes.Clear();
        batch.Clear();
        heardHeight = height;
        waiting.Clear();
        expired.Clear();
        foreach (var (sequenceNr, transactions) in journal)
        {
            foreach (var transaction in transactions.Where(t => t.Nonce >= NonceOf(t))) waiting.Add(new Entry(transaction, sequenceNr));
        }

        Expire();
        // A journal that is trimmed no longer remembers what has expired; nothing else may be lost by trimming.
        expired.IntersectWith(trimmedJournal.SelectMany(w => w.Transactions).Select(t => t.Id));

        core = new PoolCore(ChainId, Parameters, Limits);
        core.OnCommitted(height, new Dictionary<Did, ulong>());
        core.SkipTo(written);
        foreach (var (sequenceNr, transactions) in trimmedJournal)
        {
            foreach (var transaction in transactions) core.Recover(transaction, NonceOf(transaction), sequenceNr);
        }
    }

    /// <summary>Everything that can be seen of the pool is as the list says.</summary>
    public void Check()
    {
        Assert.Equal(waiting.Count, core.Count);
        foreach (var id in seen)
        {
            var expected = waiting.Any(e => e.Transaction.Id == id) ? PoolState.Pending : expired.Contains(id) ? PoolState.Expired : PoolState.Unknown;
            Assert.Equal(expected, core.Find(id));
        }

        var durable = waiting.Where(e => e.SequenceNr > 0).ToList();
        Assert.Equal(durable.Count == 0 ? confirmed : durable.Min(e => e.SequenceNr) - 1, core.SettledUpTo);
        var reaped = core.Reap(int.MaxValue, long.MaxValue);
        Assert.All(reaped, envelope => Assert.Contains(durable, e => ReferenceEquals(e.Transaction.Envelope, envelope)));
        Assert.Equal(reaped.Count > 0, core.HasWork);
        for (var sender = 0; sender < SenderCount; sender++) CheckReaped(sender, [.. reaped.Where(e => e.Signer == KeyOf(sender))]);
    }

    /// <summary>All becomes settled.</summary>
    public void Settle()
    {
        Write();
        while (writes.Count > 0) Confirm();
        for (var sender = 0; sender < SenderCount; sender++) Commit(sender, 100, 0);
        while (unheard.Count > 0) Hear();
        Check();
        Assert.Equal((0, confirmed), (core.Count, core.SettledUpTo));
        // As many bytes as ever fit are free again.
        height += Parameters.QuotaWindowHeights;
        core.OnCommitted(height, new Dictionary<Did, ulong>());
        var largest = TransactionOf(0, accounts[0].Nonce, height + 1, 9, (int)Limits.MaxBytes - TransactionEnvelope.Overhead);
        Assert.True(core.Admit(largest, new SenderState(accounts[0], KeyOf(0), IsAuthority: false), 1).Admit);
    }

    private static PublicKey KeyOf(int sender) => TestValidator.Key(sender);

    private (bool Admit, RefusalReason? Reason) Expect(Transaction transaction, int sender, uint registrationsLeft)
    {
        var next = heardHeight + 1;
        var own = waiting.Where(e => e.Transaction.Sender == transaction.Sender).ToList();
        return waiting.Any(e => e.Transaction.Id == transaction.Id) ? (false, null)
            : transaction.ExpiryHeight < next ? (false, RefusalReason.Expired)
            : transaction.ExpiryHeight > next + Parameters.MaxExpiryAhead ? (false, RefusalReason.ExpiryTooFar)
            : transaction.Nonce < accounts[sender].Nonce ? (false, RefusalReason.NonceStale)
            : transaction.Nonce >= accounts[sender].Nonce + Parameters.MaxNonceAhead ? (false, RefusalReason.NonceTooFar)
            : own.Any(e => e.Transaction.Nonce == transaction.Nonce) ? (false, RefusalReason.NonceConflict)
            : own.Count >= accounts[sender].QuotaLeft(next, Parameters.QuotaWindowHeights, Parameters.QuotaActions) ? (false, RefusalReason.QuotaExceeded)
            : sender == 2 && registrationsLeft == 0 ? (false, RefusalReason.RegistrationsExceeded)
            : waiting.Count >= Limits.MaxTransactions || waiting.Sum(e => e.Transaction.Envelope.Size) + transaction.Envelope.Size > Limits.MaxBytes ? (false, RefusalReason.PoolFull)
            : (true, null);
    }

    /// <summary>No gap; and where the pool has heard of all blocks, all that is durable from the next nonce on.</summary>
    private void CheckReaped(int sender, IReadOnlyList<TransactionEnvelope> reaped)
    {
        var durable = waiting.Where(e => e.SequenceNr > 0 && e.Transaction.Sender == Sender(sender)).OrderBy(e => e.Transaction.Nonce).ToList();
        var nonces = reaped.Select(envelope => durable.Single(e => ReferenceEquals(e.Transaction.Envelope, envelope)).Transaction.Nonce).ToList();
        Assert.Equal(nonces.Select((_, i) => nonces[0] + (ulong)i), nonces);
        if (unheard.Count > 0) return;
        var next = accounts[sender].Nonce;
        Assert.Equal(durable.TakeWhile((e, i) => e.Transaction.Nonce == next + (ulong)i).Select(e => e.Transaction.Nonce), nonces);
    }

    private void Store((long SequenceNr, List<Transaction> Transactions) write)
    {
        journal.Add(write);
        trimmedJournal.Add(write);
    }

    private void Expire()
    {
        foreach (var entry in waiting.Where(e => e.Transaction.ExpiryHeight <= heardHeight)) expired.Add(entry.Transaction.Id);
        waiting.RemoveAll(e => e.Transaction.ExpiryHeight <= heardHeight);
    }

    private ulong NonceOf(Transaction transaction) => accounts[Enumerable.Range(0, SenderCount).Single(s => Sender(s) == transaction.Sender)].Nonce;
}
