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
/// A <see cref="PoolCore"/> beside the simplest thing that should behave the same: <see cref="NaivePool"/>, one list of what waits. Around them a
/// small world that submits, writes the journal, commits blocks that the pool hears of later, and crashes.
/// </summary>
internal sealed class PoolModel
{
    public const string ChainId = "vivim-test";
    public const int SenderCount = 6;

    /// <summary>Small, so that every limit is met.</summary>
    public static readonly ChainParameters Parameters = new() { MaxNonceAhead = 5, QuotaActions = 6, QuotaWindowHeights = 4, MaxExpiryAhead = 6, MaxRegistrations = 24 };

    public static readonly PoolLimits Limits = new(16, 16 * 256);

    private readonly AccountRecord[] accounts = [.. Enumerable.Repeat(AccountRecord.Empty, SenderCount)];
    private readonly HashSet<Transaction> seen = [];
    private readonly HashSet<Hash256> acknowledged = [];
    private readonly List<Transaction> batch = [];
    private readonly List<DroppedTransaction> drops = [];
    private readonly Queue<Write> writes = new();
    private readonly List<Write> journal = [];
    private readonly List<Write> trimmedJournal = [];
    private readonly Queue<(PoolTip Tip, Dictionary<Did, ulong> NextNonces, AccountRecord[] Accounts)> unheard = new();
    private RegistrationCount registrations;
    private PoolCore core;
    private NaivePool naive;
    private PoolTip heard;
    private ulong height;
    private long written;

    public PoolModel()
    {
        heard = Tip();
        core = new PoolCore(ChainId, Parameters, Limits, heard);
        naive = new NaivePool(heard, []);
    }

    /// <summary>An entry of the journal: transactions admitted, or dropped.</summary>
    private sealed record Write(long SequenceNr, IReadOnlyList<Transaction> Admitted, IReadOnlyList<DroppedTransaction> Dropped)
    {
        /// <summary>What it says stands in older entries too.</summary>
        public bool IsAgain { get; init; }

        /// <summary>Once it is stored, entries up to here are deleted.</summary>
        public long Deletes { get; init; }
    }

    /// <summary>From the fourth on they are keys that register, the others are persons.</summary>
    public static bool IsKey(int sender) => sender >= 3;

    public static Did Sender(int sender) => IsKey(sender) ? Did.OfKey(KeyOf(sender)) : new Did(DidMethod.Vivim, Hash256.Of([(byte)sender]));

    public static Transaction TransactionOf(int sender, ulong nonce, ulong expiry, int variant, int bodySize = 60)
    {
        var id = Hash256.Of([(byte)sender, (byte)nonce, (byte)expiry, (byte)variant, (byte)bodySize]);
        var envelope = new TransactionEnvelope(new byte[bodySize], KeyOf(sender), default);
        TransactionAction action = IsKey(sender) ? new RegisterIdentity(Sender(0), KeyOf(sender), [KeyOf(1)]) : new Follow(Sender(1));
        return new Transaction(envelope, id, ChainId, Sender(sender), nonce, expiry, 0, action);
    }

    public void Submit(int sender, int ahead, int life, int variant, string origin)
    {
        var nonce = (ulong)Math.Max(0, (long)accounts[sender].Nonce + ahead);
        var transaction = TransactionOf(sender, nonce, heard.Height + (ulong)life, variant, variant == 0 ? 60 : 200);
        seen.Add(transaction);
        var (admit, reason, gone) = naive.Admit(transaction, accounts[sender], origin);
        var admission = core.Admit(transaction, new SenderState(accounts[sender], KeyOf(sender), IsAuthority: false), origin);
        Assert.Equal((admit, reason), (admission.Admit, admission.Refusal?.Reason));
        Assert.Equal(gone, admission.Dropped);
        if (admission.Admit) batch.Add(transaction);
        drops.AddRange(admission.Dropped);
    }

    /// <summary>An operator drops what a sender has.</summary>
    public void DropSender(int sender)
    {
        var gone = core.DropSender(Sender(sender));
        Assert.Equal(naive.DropSender(Sender(sender)), gone);
        drops.AddRange(gone);
    }

    /// <summary>The shell hands a batch to the journal, and then what was dropped.</summary>
    public void WriteBatch()
    {
        if (batch.Count > 0) writes.Enqueue(new Write(++written, [.. batch], []));
        if (drops.Count > 0) writes.Enqueue(new Write(++written, [], [.. drops]));
        batch.Clear();
        drops.Clear();
    }

    /// <summary>The journal confirms its oldest write.</summary>
    public void Confirm()
    {
        if (!writes.TryDequeue(out var write)) return;
        Store(write);
        trimmedJournal.RemoveAll(stored => stored.SequenceNr <= write.Deletes);
        if (write.IsAgain)
        {
            naive.Confirm(write.SequenceNr, write.Admitted, []);
            naive.MoveDrops(write.SequenceNr, write.Dropped);
            core.MoveWaiting(write.Admitted.Select(t => t.Id), write.SequenceNr);
            core.MoveDrops(write.Dropped, write.SequenceNr);
            return;
        }

        acknowledged.UnionWith(write.Admitted.Select(t => t.Id));
        naive.Confirm(write.SequenceNr, write.Admitted, write.Dropped);
        if (write.Admitted.Count > 0) core.MarkDurable(write.Admitted.Select(t => t.Id), write.SequenceNr);
        else core.MarkDropped(write.Dropped, write.SequenceNr);
    }

    /// <summary>A block with some of what the pool would give, and others' transactions of one sender.</summary>
    public void Commit(int sender, int foreign, int reaped)
    {
        height++;
        var counts = new int[SenderCount];
        if (unheard.Count == 0)
        {
            foreach (var envelope in core.Reap(reaped, long.MaxValue)) counts[NumberOf(envelope.Signer)]++;
        }

        counts[sender] += foreign;
        var nextNonces = new Dictionary<Did, ulong>();
        var window = height / Parameters.QuotaWindowHeights;
        for (var i = 0; i < SenderCount; i++)
        {
            if (counts[i] == 0) continue;
            var used = accounts[i].QuotaWindow == window ? accounts[i].QuotaUsed : 0;
            accounts[i] = accounts[i] with { Nonce = accounts[i].Nonce + (ulong)counts[i], QuotaWindow = window, QuotaUsed = used + (uint)counts[i] };
            nextNonces[Sender(i)] = accounts[i].Nonce;
            if (IsKey(i)) registrations = new RegistrationCount(window, (registrations.Window == window ? registrations.Count : 0) + (uint)counts[i]);
        }

        unheard.Enqueue((Tip(), nextNonces, [.. accounts]));
    }

    /// <summary>The pool hears of the oldest block it has not heard of.</summary>
    public void Hear()
    {
        if (!unheard.TryDequeue(out var block)) return;
        heard = block.Tip;
        core.OnCommitted(block.Tip, block.NextNonces);
        naive.Hear(block.Tip, block.NextNonces.Keys.ToDictionary(did => did, did => block.Accounts[NumberOf(did)]));
    }

    /// <summary>The journal forgets what the pool says is settled; what it says of dropped transactions is written again before.</summary>
    public void Trim()
    {
        var settled = core.SettledUpTo;
        if (core.DropsUpTo(settled) is { Count: > 0 } again) writes.Enqueue(new Write(++written, [], again) { IsAgain = true, Deletes = settled });
        else trimmedJournal.RemoveAll(write => write.SequenceNr <= settled);
    }

    /// <summary>What has waited for longer than so many entries is written again.</summary>
    public void Move(int tail)
    {
        if (core.WaitingUpTo(written - tail) is { Count: > 0 } again) writes.Enqueue(new Write(++written, again, []) { IsAgain = true });
    }

    /// <summary>The process ends; of the writes under way, the first ones are in the journal. A new one reads the chain's head and the journal.</summary>
    public void Crash(int kept)
    {
        for (; kept > 0 && writes.TryDequeue(out var write); kept--) Store(write);
        written = journal.Select(w => w.SequenceNr).DefaultIfEmpty(0).Max();
        writes.Clear();
        batch.Clear();
        drops.Clear();
        unheard.Clear();
        heard = Tip();
        naive = new NaivePool(heard, journal.SelectMany(w => w.Admitted.Select(t => (w.SequenceNr, (object)t)).Concat(w.Dropped.Select(d => (w.SequenceNr, (object)d)))), AccountOf);
        core = new PoolCore(ChainId, Parameters, Limits, heard);
        foreach (var write in trimmedJournal)
        {
            foreach (var transaction in write.Admitted) core.Recover(transaction, AccountOf(transaction.Sender), write.SequenceNr);
            if (write.Dropped.Count > 0) core.RecoverDropped(write.Dropped, write.SequenceNr);
        }

        core.SkipTo(written);
        naive.Confirm(written, [], []);
        var surplus = core.EndRecovery();
        Assert.Equal(naive.DropSurplus(), surplus);
        // A journal that is trimmed no longer remembers what has expired; nothing else may be lost by trimming.
        naive.ForgetExpired(trimmedJournal.SelectMany(w => w.Admitted).Select(t => t.Id).ToHashSet());
        if (surplus.Count == 0) return;
        Store(new Write(++written, [], surplus));
        core.MarkDropped(surplus, written);
        naive.Confirm(written, [], surplus);
    }

    /// <summary>Everything that can be seen of the pool is as the list says, its limits hold, and nothing acknowledged has gone in silence.</summary>
    public void Check()
    {
        Assert.Equal(naive.Count, core.Count);
        Assert.Equal(naive.Places, core.Places);
        Assert.InRange(core.Places.Taken, 0, Limits.Places);
        foreach (var transaction in seen)
        {
            var found = core.Find(transaction.Id);
            var isOver = transaction.ExpiryHeight <= heard.Height;
            if (!isOver) Assert.Equal(naive.Find(transaction.Id), found.State);
            if (isOver) Assert.Equal(naive.Find(transaction.Id) == PoolState.Pending, found.State == PoolState.Pending);
            Assert.Equal(found.State == PoolState.Dropped, found.Dropped is not null);
            var isUsed = transaction.Nonce < AccountOf(transaction.Sender).Nonce;
            if (acknowledged.Contains(transaction.Id) && !isUsed && !isOver) Assert.NotEqual(PoolState.Unknown, found.State);
        }

        Assert.Equal(naive.SettledUpTo, core.SettledUpTo);
        var reaped = core.Reap(int.MaxValue, long.MaxValue);
        Assert.Equal(reaped.Count > 0, core.HasWork);
        naive.CheckReaped(reaped);
        Assert.Equal(naive.Senders().Select(sender => (sender.Sender, sender.Transactions, sender.Parked, sender.Places)), core.Senders(null, SenderCount).Select(sender => (sender.Sender, sender.Transactions, sender.Parked, sender.Places)));
    }

    /// <summary>All becomes settled.</summary>
    public void Settle()
    {
        WriteBatch();
        while (writes.Count > 0) Confirm();
        for (var sender = 0; sender < SenderCount; sender++) Commit(sender, 100, 0);
        while (unheard.Count > 0) Hear();
        Check();
        Assert.Equal((0, written), (core.Count, core.SettledUpTo));
        // As much as ever fits is free again.
        height += Parameters.QuotaWindowHeights;
        core.OnCommitted(Tip(), new Dictionary<Did, ulong>());
        var largest = TransactionOf(0, accounts[0].Nonce, height + 1, 9, (Limits.Places * (int)Limits.PlaceBytes) - TransactionEnvelope.Overhead);
        Assert.True(core.Admit(largest, new SenderState(accounts[0], KeyOf(0), IsAuthority: false)).Admit);
    }

    private static PublicKey KeyOf(int sender) => TestValidator.Key(sender);

    private static int NumberOf(PublicKey key) => Enumerable.Range(0, SenderCount).Single(sender => KeyOf(sender) == key);

    private static int NumberOf(Did did) => Enumerable.Range(0, SenderCount).Single(sender => Sender(sender) == did);

    private AccountRecord AccountOf(Did sender) => accounts[NumberOf(sender)];

    private PoolTip Tip() => new(height, registrations.LeftAt(height + 1, Parameters), TestValidator.SetOf(1));

    private void Store(Write write)
    {
        journal.Add(write);
        trimmedJournal.Add(write);
    }
}
