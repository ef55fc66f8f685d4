using Akka.Actor;
using Akka.Event;
using Vivim.Actors.Telemetry;
using Vivim.Chain.Ledger;
using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Ledger.State;
using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

// From a submission to its acknowledgement: verified beside others, admitted in the order of arrival, journalled in batches.
public sealed partial class PoolPartition
{
    /// <summary>Requests whose signatures are verified at once; one address has at most half of them.</summary>
    private const int MaxChecking = 64;

    private const int MaxBatch = 256;

    private static readonly TimeSpan VerifyLimit = TimeSpan.FromSeconds(20);

    private readonly List<Transaction> batch = [];
    private readonly List<DroppedTransaction> dropped = [];
    private readonly List<Answer> answers = [];
    private readonly List<Checked> behind = [];
    private readonly ArrivalOrder<Checked> order = new();
    private readonly OriginShares checkingByOrigin = new();
    private int checking;

    /// <param name="Life">The incarnation that has begun it: after a restart in place its answer comes to the next.</param>
    /// <param name="Number">Its place in the order of arrival.</param>
    private sealed record Checked(
        string Life,
        long Number,
        IActorRef ReplyTo,
        SubmitTransactions Request,
        DateTimeOffset Begun,
        IReadOnlyList<CheckedTransaction> Transactions,
        SenderView View) : INoSerializationVerificationNeeded;

    private sealed record CheckFailed(string Life, long Number, IActorRef ReplyTo, string Origin, Exception Cause) : INoSerializationVerificationNeeded;

    /// <summary>What is to be told when it is durable.</summary>
    private sealed record Answer(IActorRef To, SubmitOutcomes Outcomes, string TraceParent, DateTimeOffset Begun);

    /// <summary>The senders of a batch as of a height.</summary>
    private sealed record SenderView(ulong Height, IReadOnlyDictionary<Did, SenderState> Senders);

    private sealed record FlushBatch : INoSerializationVerificationNeeded;

    private void StartCheck(SubmitTransactions request)
    {
        if (request.Transactions.Count > SubmitTransactions.MaxTransactions)
        {
            var tooMany = $"{request.Transactions.Count} transactions in one request, at most {SubmitTransactions.MaxTransactions} are allowed";
            Sender.Tell(new Status.Failure(new ArgumentException(tooMany, nameof(request))));
            return;
        }

        if (checkingByOrigin.HasHadItsShare(request.Origin, MaxChecking - checking))
        {
            var busy = checking < MaxChecking ? "the pool is busy verifying signatures from your address" : "the pool is busy verifying signatures";
            var refusal = new Refusal(RefusalReason.PoolFull, $"{busy}: send again shortly");
            Sender.Tell(new SubmitOutcomes([.. request.Transactions.Select(t => new SubmitOutcome(t.IdOn(chainId), null, refusal))]));
            return;
        }

        TakePlace(request.Origin);
        BeginCheck(order.Ask(), request, Sender, TransactionTrace.Begin());
    }

    private void TakePlace(string origin)
    {
        checking++;
        checkingByOrigin.Add(origin);
    }

    private void GivePlace(string origin)
    {
        checking--;
        checkingByOrigin.GiveBack(origin);
    }

    private void BeginCheck(long number, SubmitTransactions request, IActorRef replyTo, DateTimeOffset begun)
    {
        var life = Life;
        Check(number, request, replyTo, begun).PipeTo(Self, failure: e => new CheckFailed(life, number, replyTo, request.Origin, e));
    }

    private async Task<Checked> Check(long number, SubmitTransactions request, IActorRef replyTo, DateTimeOffset begun)
    {
        var answer = await settings.Verifiers.Ask<TransactionsChecked>(new CheckTransactions(request.Transactions), VerifyLimit);
        var transactions = answer.Transactions;
        var senders = transactions.Where(t => t.Transaction is not null).Select(t => t.Transaction!.Sender).Distinct().ToList();
        var view = await settings.Ledger.Read(ledger => View(ledger, senders));
        return new Checked(Life, number, replyTo, request, begun, transactions, view);
    }

    private static SenderView View(NodeLedger ledger, IReadOnlyList<Did> senders) =>
        new(ledger.Tip.Height, senders.ToDictionary(did => did, did => SenderState.Read(ledger.State, did, ledger.Tip.Validators)));

    private void OnChecked(Checked message)
    {
        // What an incarnation before this one has begun has no number here.
        var isOwn = message.Life == Life;
        if (!isOwn) TakePlace(message.Request.Origin);
        if (message.View.Height >= core.Height)
        {
            AdmitAll(isOwn ? order.Answer(message.Number, message) : [message]);
            return;
        }

        // A block came in between; what was read of the senders is out of date.
        BeginCheck(isOwn ? message.Number : order.Ask(), message.Request, message.ReplyTo, message.Begun);
    }

    private void OnCheckFailed(CheckFailed failed)
    {
        failed.ReplyTo.Tell(new Status.Failure(failed.Cause));
        if (failed.Life == Life)
        {
            GivePlace(failed.Origin);
            AdmitAll(order.Answer(failed.Number, null));
        }

        EndIfDone();
    }

    private void AdmitAll(IReadOnlyList<Checked> due)
    {
        foreach (var message in due)
        {
            if (message.View.Height < message.Request.Height)
            {
                // Who sends this has seen a block that is still to come here: it may be what makes its sender known.
                behind.Add(message);
                continue;
            }

            GivePlace(message.Request.Origin);
            Admit(message);
        }

        EndIfDone();
    }

    /// <summary>A block has come: what waited for it, or was read before it, is looked at again.</summary>
    private void CheckAgain()
    {
        foreach (var message in order.TakeWaiting()) BeginCheck(message.Number, message.Request, message.ReplyTo, message.Begun);
        foreach (var message in behind) BeginCheck(order.Ask(), message.Request, message.ReplyTo, message.Begun);
        behind.Clear();
    }

    private void Admit(Checked message)
    {
        if (batch.Count + message.Transactions.Count > MaxBatch) Flush();
        var outcomes = message.Transactions.Select(checkedOne => Admit(checkedOne, message)).ToList();
        answers.Add(new Answer(message.ReplyTo, new SubmitOutcomes(outcomes), message.Request.TraceParent, message.Begun));
        if (batch.Count >= MaxBatch) Flush();
        else if (!Timers.IsTimerActive(nameof(FlushBatch))) Timers.StartSingleTimer(nameof(FlushBatch), new FlushBatch(), settings.BatchDelay);
    }

    private SubmitOutcome Admit(CheckedTransaction checkedOne, Checked message)
    {
        if (checkedOne.Transaction is not { } transaction) return new SubmitOutcome(checkedOne.Id, null, checkedOne.Refusal);
        var sender = message.View.Senders[transaction.Sender];
        var receipt = transaction.Nonce < sender.Account.Nonce ? CommittedReceipt(transaction.Id) : null;
        if (receipt is not null) return new SubmitOutcome(transaction.Id, receipt, null);
        var admission = core.Admit(transaction, sender, message.Request.Origin);
        if (admission.Admit) batch.Add(transaction);
        dropped.AddRange(admission.Dropped);
        return new SubmitOutcome(transaction.Id, null, admission.Refusal);
    }

    private Receipt? CommittedReceipt(in Hash256 id) =>
        settings.Chain.Find(id) is { } position && settings.Chain.Read(position.Height) is { } record
            ? StoredReceipts.At(record.Receipts, position.Index)
            : null;

    /// <summary>A partition that leaves ends when what it has begun is journalled and answered.</summary>
    private void EndIfDone()
    {
        if (!isLeaving || checking > 0) return;
        Flush();
        DeferAsync(PartitionStarted.Instance, _ => Context.Stop(Self));
    }

    /// <summary>
    /// Journals the batch and then what was dropped for it, then acknowledges. Answers without anything new wait their turn too: what they
    /// know may be in a write before.
    /// </summary>
    private void Flush()
    {
        Timers.Cancel(nameof(FlushBatch));
        var waiting = answers.ToList();
        answers.Clear();
        if (batch.Count > 0)
        {
            var ids = batch.Select(t => t.Id).ToList();
            var admitted = new TransactionsAdmitted([.. batch.Select(t => t.Envelope)]);
            batch.Clear();
            PersistAsync(admitted, _ => OnAdmitted(ids));
        }

        // After the batch: what goes may have come with it.
        if (dropped.Count > 0) PersistAllAsync(TransactionsDropped.Of(dropped), e => core.MarkDropped(e.Transactions, LastSequenceNr));
        dropped.Clear();
        if (waiting.Count > 0) DeferAsync(waiting, Acknowledge);
    }

    private void OnAdmitted(List<Hash256> ids)
    {
        var hadWork = core.HasWork;
        core.MarkDurable(ids, LastSequenceNr);
        if (!hadWork) AnnounceWork();
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
        var outcomes = answer.Outcomes.Outcomes;
        var admitted = outcomes.Where(outcome => outcome.Refusal is null && outcome.Receipt is null).Select(outcome => outcome.TransactionId).ToList();
        var span = TransactionTrace.Record(
            "pool admit", answer.TraceParent, answer.Begun,
            new("vivim.partition", partition), new("vivim.admitted", admitted.Count), new("vivim.submitted", outcomes.Count));
        foreach (var id in admitted) followed.Add(id, span, core);
        log.Debug(
            "pool partition {Partition} has admitted {Admitted} of {Submitted} transactions, correlation {CorrelationId}",
            partition, admitted.Count, outcomes.Count, TransactionTrace.CorrelationOf(span));
    }
}
