using Akka.Actor;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Event;
using Akka.Persistence;
using Vivim.Actors;
using Vivim.Chain.Ledger;
using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Ledger.Storage;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>What a partition needs of its node.</summary>
/// <param name="Verifiers">Router of <see cref="SignatureVerifier"/>.</param>
/// <param name="BatchDelay">An admission waits at most this long for others to share its journal write.</param>
public sealed record PoolSettings(IActorRef Ledger, IActorRef Verifiers, IChainReader Chain, PoolLimits Limits, TimeSpan BatchDelay);

/// <summary>
/// The shell of one <see cref="PoolCore"/>: verifies in batches, journals one <see cref="TransactionsAdmitted"/> per batch and one
/// <see cref="TransactionsDropped"/> for what goes for it, and only then acknowledges and tells. On restart it reads the journal back and drops
/// what the chain has settled, and what is more than it may hold.
/// </summary>
public sealed partial class PoolPartition : JournaledActor, IWithTimers
{
    private const int TrimInterval = 64;

    /// <summary>
    /// When the oldest entry with a waiting transaction lies more than this many entries back, what waits there is written again.
    /// </summary>
    private const int LongestTail = 4 * TrimInterval;

    /// <summary>That limit is one entry more for each so many waiting transactions, so that writing them again costs little for each entry.</summary>
    private const int WaitingPerEntry = 16;

    /// <summary>Remembered drops for which the journal is trimmed one entry later, so that writing them again costs little for each entry.</summary>
    private const int DropsPerEntry = 16;

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly PoolSettings settings;
    private readonly int partition;
    private readonly List<(object Entry, long SequenceNr)> recovered = [];
    private readonly FollowedTransactions followed = new();
    private PoolCore core = null!;
    private string chainId = "";
    private bool isLeaving;
    private long trimmedTo;
    private bool isMoving;

    public PoolPartition(int partition, PoolSettings settings)
        : base($"pool-{partition}", "pool")
    {
        this.partition = partition;
        this.settings = settings;
        Recover<TransactionsAdmitted>(ReadBack);
        Recover<TransactionsDropped>(e => recovered.Add((e, LastSequenceNr)));
        Recover<PartitionStarted>(_ => { });
        Recover<RecoveryCompleted>(_ => ReadAccounts());
        Command<Recovered>(Start);
        Command<LeavePartition>(_ => Context.Stop(Self));
        Command<ReadFailed>(failed => throw failed.Cause);
        CommandAny(_ => Stash.Stash());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override object EndMessage => new LeavePartition();

    /// <summary>What the journal holds, in order, and what the chain says of the senders.</summary>
    /// <param name="Entries">Admitted transactions one by one, dropped ones by events.</param>
    private sealed record Recovered(
        string ChainId,
        ChainParameters Parameters,
        PoolTip Tip,
        IReadOnlyDictionary<Did, AccountRecord> Accounts,
        IReadOnlyList<(object Entry, long SequenceNr)> Entries) : INoSerializationVerificationNeeded;

    /// <summary>The senders' accounts after blocks that did not come one by one.</summary>
    private sealed record AccountsRead(IReadOnlyDictionary<Did, AccountRecord> Accounts) : INoSerializationVerificationNeeded;

    /// <summary>The partition could not read the ledger: it begins anew.</summary>
    private sealed record ReadFailed(Exception Cause) : INoSerializationVerificationNeeded;

    protected override void PreStart()
    {
        base.PreStart();
        Context.System.EventStream.Subscribe<BlockCommitted>(Self);
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        base.PostStop();
    }

    protected override string Describe()
    {
        var (taken, parked) = core.Places;
        return $"{core.Count} transactions pending at height {core.Height}; {taken} of {settings.Limits.Places} places taken, {parked} by parked ones";
    }

    private void ReadBack(TransactionsAdmitted admitted)
    {
        foreach (var envelope in admitted.Transactions)
        {
            if (Transaction.TryDecode(envelope, out var transaction, out _)) recovered.Add((transaction, LastSequenceNr));
        }
    }

    private void ReadAccounts()
    {
        List<(object Entry, long SequenceNr)> entries = [.. recovered];
        recovered.Clear();
        recovered.TrimExcess();
        var senders = entries.Select(e => e.Entry).OfType<Transaction>().Select(t => t.Sender).Distinct().ToList();
        settings.Ledger
            .Read(ledger => new Recovered(ledger.Tip.ChainId, ledger.Tip.System.Parameters, PoolTip.Of(ledger), Accounts(ledger, senders), entries))
            .PipeTo(Self, failure: e => new ReadFailed(e));
    }

    private static Dictionary<Did, AccountRecord> Accounts(NodeLedger ledger, IEnumerable<Did> senders) =>
        senders.ToDictionary(did => did, did => SenderState.Read(ledger.State, did, ledger.Tip.Validators).Account);

    /// <summary>Serves when the journal has what is too much, and that this incarnation has begun.</summary>
    private void Start(Recovered state)
    {
        chainId = state.ChainId;
        core = new PoolCore(chainId, state.Parameters, settings.Limits, state.Tip);
        foreach (var (entry, sequenceNr) in state.Entries)
        {
            if (entry is Transaction transaction) core.Recover(transaction, state.Accounts[transaction.Sender], sequenceNr);
            else core.RecoverDropped(((TransactionsDropped)entry).Transactions, sequenceNr);
        }

        var surplus = core.EndRecovery();
        if (surplus.Count > 0) log.Warning("pool partition {Partition} held more than it may: {Count} transactions go", partition, surplus.Count);
        List<object> events = [PartitionStarted.Instance, .. TransactionsDropped.Of(surplus)];
        var left = events.Count;
        PersistAll(events, e =>
        {
            if (e is TransactionsDropped drop) core.MarkDropped(drop.Transactions, LastSequenceNr);
            if (--left == 0) StartServing();
        });
    }

    private void StartServing()
    {
        core.SkipTo(LastSequenceNr);
        log.Debug("pool partition {Partition} is up with {Waiting} transactions waiting", partition, core.Count);
        Become(Serving);
        AnnounceWork();
        Stash.UnstashAll();
    }

    private void Serving()
    {
        Command<SubmitTransactions>(StartCheck);
        Command<Checked>(OnChecked);
        Command<CheckFailed>(OnCheckFailed);
        Command<LeavePartition>(_ =>
        {
            isLeaving = true;
            EndIfDone();
        });
        Command<FlushBatch>(_ => Flush());
        Command<BlockCommitted>(OnCommitted);
        Command<AccountsRead>(read => core.Refresh(read.Accounts));
        Command<ReadFailed>(failed => throw failed.Cause);
        Command<Reap>(reap => Sender.Tell(new Reaped(core.Reap(reap.MaxTransactions, reap.MaxBytes)) { Followed = followed.Waiting(core) }));
        Command<FindTransactions>(find => Sender.Tell(new TransactionsFound([.. find.TransactionIds.Select(id => core.Find(id))])));
        Command<CountPending>(_ => Sender.Tell(new PendingCount(core.Count)));
        Command<ListSenders>(OnListSenders);
        Command<DropSender>(OnDropSender);
        Command<WakePartition>(_ => AnnounceWork());
    }

    private void OnListSenders(ListSenders list)
    {
        var after = list.After is { } did ? new PoolSender(did, 0, 0, list.AfterPlaces, 0, 0, null) : null;
        Sender.Tell(new SendersListed(core.Senders(after, Math.Clamp(list.Limit, 1, ListSenders.MaxLimit))));
    }

    private void OnDropSender(DropSender drop)
    {
        var gone = core.DropSender(drop.Sender);
        // A question that comes twice, because the journal is slow, gets the count again.
        var count = core.LeavingOf(drop.Sender);
        if (gone.Count > 0)
            log.Warning("{Operator} drops {Count} transactions of {Sender} from pool partition {Partition}", drop.By, gone.Count, drop.Sender, partition);
        dropped.AddRange(gone);
        Flush();
        DeferAsync((ReplyTo: Sender, Count: count), answer => answer.ReplyTo.Tell(new SenderDropped(answer.Count)));
    }

    private void OnCommitted(BlockCommitted block)
    {
        var isNext = block.Tip.Height <= core.Height + 1;
        core.OnCommitted(new PoolTip(block.Tip.Height, block.RegistrationsLeft, block.Tip.Validators), block.NextNonces);
        if (!isNext) ReadAccountsAgain();
        followed.RemoveGone(core);
        CheckAgain();
        AnnounceWork();
        MoveOldest();
        Trim();
    }

    /// <summary>The chain has come up from a snapshot: what the blocks in between included nobody has told.</summary>
    private void ReadAccountsAgain()
    {
        List<Did> senders = [.. core.SenderDids];
        settings.Ledger.Read(ledger => new AccountsRead(Accounts(ledger, senders)))
            .PipeTo(Self, failure: e => new ReadFailed(e));
    }

    /// <summary>
    /// Journals again what has waited for long, so that one transaction that waits keeps no long journal from being deleted. The older entries
    /// count until the newer ones are durable.
    /// </summary>
    private void MoveOldest()
    {
        var tail = LongestTail + (core.Count / WaitingPerEntry);
        if (isMoving || LastSequenceNr - core.SettledUpTo <= tail) return;
        List<TransactionsAdmitted> events =
        [
            .. core.WaitingUpTo(LastSequenceNr - (tail / 2)).Select(t => t.Envelope).Chunk(MaxBatch).Select(chunk => new TransactionsAdmitted(chunk)),
        ];
        var left = events.Count;
        if (left == 0) return;
        isMoving = true;
        PersistAllAsync(events, again =>
        {
            core.MoveWaiting(again.Transactions.Select(envelope => envelope.IdOn(chainId)), LastSequenceNr);
            if (--left == 0) isMoving = false;
        });
    }

    /// <summary>Deletes settled journal entries; what they say of dropped transactions is written again before.</summary>
    private void Trim()
    {
        var settled = core.SettledUpTo;
        if (settled - trimmedTo < TrimInterval + (core.RememberedDrops / DropsPerEntry)) return;
        trimmedTo = settled;
        var drops = core.DropsUpTo(settled);
        if (drops.Count == 0)
        {
            DeleteMessages(settled);
            return;
        }

        var events = TransactionsDropped.Of(drops);
        var left = events.Count;
        PersistAllAsync(events, again =>
        {
            core.MoveDrops(again.Transactions, LastSequenceNr);
            if (--left == 0) DeleteMessages(settled);
        });
    }

    /// <summary>
    /// Also at every wake message: a validator that has just started, or missed one, hears of it then. Work that becomes possible at a later
    /// height only is announced with the block before that height; an idle chain gets there by its empty blocks.
    /// </summary>
    private void AnnounceWork()
    {
        if (core.HasWork) DistributedPubSub.Get(Context.System).Mediator.Tell(new Publish(WorkAvailable.Topic, WorkAvailable.Instance));
    }
}
