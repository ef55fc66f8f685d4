using Akka.Actor;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Event;
using Akka.Persistence;
using Vivim.Actors;
using Vivim.Actors.Telemetry;
using Vivim.Chain.Ledger;
using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Ledger.State;
using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>What a partition needs of its node.</summary>
/// <param name="Verifiers">Router of <see cref="SignatureVerifier"/>.</param>
/// <param name="BatchDelay">An admission waits at most this long for others to share its journal write.</param>
public sealed record PoolSettings(IActorRef Ledger, IActorRef Verifiers, IChainReader Chain, PoolLimits Limits, TimeSpan BatchDelay);

/// <summary>
/// The shell of one <see cref="PoolCore"/>: verifies in batches, journals one <see cref="TransactionsAdmitted"/> per batch, and only then
/// acknowledges. On restart it reads the journal back and drops what the chain has settled.
/// </summary>
public sealed class PoolPartition : JournaledActor, IWithTimers
{
    private const int MaxChecking = 32;
    private const int MaxBatch = 256;
    private const int TrimInterval = 64;

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly PoolSettings settings;
    private readonly int partition;
    private readonly List<(TransactionsAdmitted Event, long SequenceNr)> recovered = [];
    private readonly List<Transaction> batch = [];
    private readonly List<Answer> answers = [];
    private readonly FollowedTransactions followed = new();
    private readonly List<Checked> behind = [];
    private PoolCore core = null!;
    private string chainId = "";
    private int checking;
    private bool isLeaving;
    private long trimmedTo;

    public PoolPartition(int partition, PoolSettings settings)
        : base($"pool-{partition}", "pool")
    {
        this.partition = partition;
        this.settings = settings;
        Recover<TransactionsAdmitted>(e => recovered.Add((e, LastSequenceNr)));
        Recover<PartitionStarted>(_ => { });
        Recover<RecoveryCompleted>(_ => ReadSettledNonces());
        Command<Recovered>(state => Persist(PartitionStarted.Instance, _ => StartServing(state)));
        Command<LeavePartition>(_ => Context.Stop(Self));
        Command<Status.Failure>(failure => throw failure.Cause);
        CommandAny(_ => Stash.Stash());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override object EndMessage => new LeavePartition();

    private sealed record Recovered(ChainTip Tip, IReadOnlyDictionary<Did, ulong> Nonces, IReadOnlyList<(Transaction Transaction, long SequenceNr)> Transactions) : INoSerializationVerificationNeeded;

    /// <param name="Life">The incarnation that has begun it: after a restart in place its answer comes to the next.</param>
    private sealed record Checked(string Life, IActorRef ReplyTo, SubmitTransactions Request, DateTimeOffset Begun, IReadOnlyList<CheckedTransaction> Transactions, SenderView View) : INoSerializationVerificationNeeded;

    private sealed record CheckFailed(string Life, IActorRef ReplyTo, Exception Cause) : INoSerializationVerificationNeeded;

    /// <summary>What is to be told when it is durable.</summary>
    private sealed record Answer(IActorRef To, SubmitOutcomes Outcomes, string TraceParent, DateTimeOffset Begun);

    /// <summary>The senders of a batch as of a height.</summary>
    private sealed record SenderView(ulong Height, uint RegistrationsLeft, IReadOnlyDictionary<Did, SenderState> Senders);

    private sealed record FlushBatch : INoSerializationVerificationNeeded;

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

    protected override string Describe() => $"{core.Count} transactions pending at height {core.Height}";

    private void ReadSettledNonces()
    {
        var transactions = new List<(Transaction, long)>();
        foreach (var (admitted, sequenceNr) in recovered)
        {
            foreach (var envelope in admitted.Transactions)
            {
                if (Transaction.TryDecode(envelope, out var transaction, out _)) transactions.Add((transaction, sequenceNr));
            }
        }

        recovered.Clear();
        settings.Ledger.Read(ledger => new Recovered(
            ledger.Tip,
            transactions.Select(t => t.Item1.Sender).Distinct().ToDictionary(did => did, did => SenderState.Read(ledger.State, did, ledger.Tip.Validators).Account.Nonce),
            transactions)).PipeTo(Self);
    }

    private void StartServing(Recovered state)
    {
        chainId = state.Tip.ChainId;
        core = new PoolCore(chainId, state.Tip.System.Parameters, settings.Limits);
        core.OnCommitted(state.Tip.Height, new Dictionary<Did, ulong>());
        core.SkipTo(LastSequenceNr);
        foreach (var (transaction, sequenceNr) in state.Transactions) core.Recover(transaction, state.Nonces[transaction.Sender], sequenceNr);
        log.Debug("pool partition {0} is up with {1} transactions waiting", partition, core.Count);
        Become(Serving);
        AnnounceWork();
        Stash.UnstashAll();
    }

    private void Serving()
    {
        Command<SubmitTransactions>(StartCheck);
        Command<Checked>(OnChecked);
        Command<CheckFailed>(failed =>
        {
            if (failed.Life == Life) checking--;
            failed.ReplyTo.Tell(new Status.Failure(failed.Cause));
            EndIfDone();
        });
        Command<LeavePartition>(_ =>
        {
            isLeaving = true;
            EndIfDone();
        });
        Command<FlushBatch>(_ => Flush());
        Command<BlockCommitted>(OnCommitted);
        Command<Reap>(reap => Sender.Tell(new Reaped(core.Reap(reap.MaxTransactions, reap.MaxBytes)) { Followed = followed.Waiting(core) }));
        Command<FindTransactions>(find => Sender.Tell(new TransactionsFound([.. find.TransactionIds.Select(id => new PoolTransactionState(core.Find(id), core.Height))])));
        Command<CountPending>(_ => Sender.Tell(new PendingCount(core.Count)));
        Command<WakePartition>(_ => AnnounceWork());
    }

    private void StartCheck(SubmitTransactions request)
    {
        if (request.Transactions.Count > SubmitTransactions.MaxTransactions)
        {
            Sender.Tell(new Status.Failure(new ArgumentException($"{request.Transactions.Count} transactions in one request, at most {SubmitTransactions.MaxTransactions} are allowed", nameof(request))));
            return;
        }

        if (checking >= MaxChecking)
        {
            var refusal = new Refusal(RefusalReason.PoolFull, "the pool is busy verifying signatures: send again shortly");
            Sender.Tell(new SubmitOutcomes([.. request.Transactions.Select(t => new SubmitOutcome(t.IdOn(chainId), null, refusal))]));
            return;
        }

        checking++;
        var replyTo = Sender;
        BeginCheck(request, replyTo, TransactionTrace.Begin());
    }

    private void BeginCheck(SubmitTransactions request, IActorRef replyTo, DateTimeOffset begun)
    {
        var life = Life;
        Check(request, replyTo, begun).PipeTo(Self, failure: e => new CheckFailed(life, replyTo, e));
    }

    private async Task<Checked> Check(SubmitTransactions request, IActorRef replyTo, DateTimeOffset begun)
    {
        var transactions = (await settings.Verifiers.Ask<TransactionsChecked>(new CheckTransactions(request.Transactions), TimeSpan.FromSeconds(20))).Transactions;
        var senders = transactions.Where(t => t.Transaction is not null).Select(t => t.Transaction!.Sender).Distinct().ToList();
        var view = await settings.Ledger.Read(ledger => View(ledger, senders));
        return new Checked(Life, replyTo, request, begun, transactions, view);
    }

    private static SenderView View(NodeLedger ledger, IReadOnlyList<Did> senders)
    {
        var left = RegistrationCount.Read(ledger.State).LeftAt(ledger.Tip.Height + 1, ledger.Tip.System.Parameters);
        return new SenderView(ledger.Tip.Height, left, senders.ToDictionary(did => did, did => SenderState.Read(ledger.State, did, ledger.Tip.Validators)));
    }

    private void OnChecked(Checked message)
    {
        if (message.Life == Life) checking--;
        if (message.View.Height < core.Height)
        {
            // A block came in between; what was read of the senders is out of date.
            checking++;
            BeginCheck(message.Request, message.ReplyTo, message.Begun);
            return;
        }

        if (message.View.Height < message.Request.Height)
        {
            // Who sends this has seen a block that is still to come here: it may be what makes its sender known.
            checking++;
            behind.Add(message);
            return;
        }

        if (batch.Count + message.Transactions.Count > MaxBatch) Flush();
        var outcomes = message.Transactions.Select(checkedOne => Admit(checkedOne, message.View)).ToList();
        answers.Add(new Answer(message.ReplyTo, new SubmitOutcomes(outcomes), message.Request.TraceParent, message.Begun));
        if (batch.Count >= MaxBatch) Flush();
        else if (!Timers.IsTimerActive(nameof(FlushBatch))) Timers.StartSingleTimer(nameof(FlushBatch), new FlushBatch(), settings.BatchDelay);
        EndIfDone();
    }

    /// <summary>A partition that leaves ends when what it has begun is journalled and answered.</summary>
    private void EndIfDone()
    {
        if (!isLeaving || checking > 0) return;
        Flush();
        DeferAsync(PartitionStarted.Instance, _ => Context.Stop(Self));
    }

    private SubmitOutcome Admit(CheckedTransaction checkedOne, SenderView view)
    {
        if (checkedOne.Transaction is not { } transaction) return new SubmitOutcome(checkedOne.Id, null, checkedOne.Refusal);
        var sender = view.Senders[transaction.Sender];
        if (transaction.Nonce < sender.Account.Nonce && CommittedReceipt(transaction.Id) is { } receipt) return new SubmitOutcome(transaction.Id, receipt, null);
        var admission = core.Admit(transaction, sender, view.RegistrationsLeft);
        if (admission.Admit) batch.Add(transaction);
        return new SubmitOutcome(transaction.Id, null, admission.Refusal);
    }

    private Receipt? CommittedReceipt(in Hash256 id) =>
        settings.Chain.Find(id) is { } position && settings.Chain.Read(position.Height) is { } record ? StoredReceipts.At(record.Receipts, position.Index) : null;

    /// <summary>Journals the batch, then acknowledges. Answers without anything new wait their turn too: what they know may be in a write before.</summary>
    private void Flush()
    {
        Timers.Cancel(nameof(FlushBatch));
        if (answers.Count == 0) return;
        var waiting = answers.ToList();
        answers.Clear();
        if (batch.Count == 0)
        {
            DeferAsync(waiting, Acknowledge);
            return;
        }

        var ids = batch.Select(t => t.Id).ToList();
        var admitted = new TransactionsAdmitted([.. batch.Select(t => t.Envelope)]);
        batch.Clear();
        PersistAsync(admitted, _ =>
        {
            var hadWork = core.HasWork;
            core.MarkDurable(ids, LastSequenceNr);
            Acknowledge(waiting);
            if (!hadWork) AnnounceWork();
        });
    }

    private void Acknowledge(List<Answer> waiting)
    {
        foreach (var answer in waiting)
        {
            answer.To.Tell(answer.Outcomes);
            if (TransactionTrace.IsSampled(answer.TraceParent) || (answer.TraceParent.Length > 0 && log.IsDebugEnabled)) Follow(answer);
        }
    }

    /// <summary>Begins to follow what was admitted, after its acknowledgement: nobody waits for it.</summary>
    private void Follow(Answer answer)
    {
        var admitted = answer.Outcomes.Outcomes.Where(outcome => outcome.Refusal is null && outcome.Receipt is null).Select(outcome => outcome.TransactionId).ToList();
        var span = TransactionTrace.Record("pool admit", answer.TraceParent, answer.Begun, new("vivim.partition", partition), new("vivim.admitted", admitted.Count), new("vivim.submitted", answer.Outcomes.Outcomes.Count));
        foreach (var id in admitted) followed.Add(id, span, core);
        log.Debug("pool partition {Partition} has admitted {Admitted} of {Submitted} transactions, correlation {CorrelationId}", partition, admitted.Count, answer.Outcomes.Outcomes.Count, TransactionTrace.CorrelationOf(span));
    }

    private void OnCommitted(BlockCommitted block)
    {
        core.OnCommitted(block.Tip.Height, block.NextNonces);
        followed.RemoveGone(core);
        foreach (var message in behind) BeginCheck(message.Request, message.ReplyTo, message.Begun);
        behind.Clear();
        AnnounceWork();
        if (core.SettledUpTo - trimmedTo < TrimInterval) return;
        trimmedTo = core.SettledUpTo;
        DeleteMessages(trimmedTo);
    }

    /// <summary>Also at every wake message: a validator that has just started, or missed one, hears of it then.</summary>
    private void AnnounceWork()
    {
        if (core.HasWork) DistributedPubSub.Get(Context.System).Mediator.Tell(new Publish(WorkAvailable.Topic, WorkAvailable.Instance));
    }
}
