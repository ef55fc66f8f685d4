using Akka.Actor;
using Akka.Routing;
using Vivim.Chain.Pool;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Actors;

[Collection(Collection)]
public sealed class PoolPartitionTests : ActorTests
{
    private readonly SigningKey person = SigningKey.Generate();
    private readonly PoolSettings settings;

    public PoolPartitionTests()
    {
        var verifiers = Sys.ActorOf(Props.Create(() => new SignatureVerifier(Genesis.ChainId, Verified)).WithDispatcher(SignatureVerifier.Dispatcher).WithRouter(new RoundRobinPool(1)));
        settings = new PoolSettings(Ledger, verifiers, ChainReader, new PoolLimits(1_000, 1 << 20), TimeSpan.FromMilliseconds(5));
    }

    [Fact]
    public async Task An_admission_is_acknowledged_only_after_the_journal_has_it_a_repeated_one_too()
    {
        var partition = await Start();
        FaultyJournal.Fault = JournalFault.Hold;
        var transaction = Registration(person, 0);
        partition.Tell(Submission(transaction));
        await ExpectNoMsgAsync(TimeSpan.FromMilliseconds(500));
        partition.Tell(Submission(transaction));
        await ExpectNoMsgAsync(TimeSpan.FromMilliseconds(500));
        Assert.Empty((await partition.Ask<Reaped>(new Reap(0, 10, 1 << 20), Patience)).Transactions);

        FaultyJournal.Recover(Sys);
        for (var i = 0; i < 2; i++) Assert.Null(Assert.Single((await ExpectMsgAsync<SubmitOutcomes>(Patience)).Outcomes).Refusal);
        Assert.Equal([transaction], (await partition.Ask<Reaped>(new Reap(0, 10, 1 << 20), Patience)).Transactions);
    }

    [Theory]
    [InlineData("Fail", PoolState.Unknown)]
    [InlineData("Reject", PoolState.Unknown)]
    [InlineData("StoreAndFail", PoolState.Pending)]
    public async Task A_write_that_fails_is_not_acknowledged_and_the_next_incarnation_takes_the_same_bytes(string fault, PoolState afterwards)
    {
        var partition = await Start();
        await WatchAsync(partition);
        FaultyJournal.Fault = Enum.Parse<JournalFault>(fault);
        var transaction = Registration(person, 0);
        partition.Tell(Submission(transaction));
        // Nothing but its end: neither an answer to this, nor to the same bytes again.
        partition.Tell(Submission(transaction));
        await ExpectTerminatedAsync(partition, Patience);
        FaultyJournal.Recover(Sys);

        partition = await Start();
        Assert.Equal(afterwards, await StateOf(partition, transaction));
        var outcome = Assert.Single((await partition.Ask<SubmitOutcomes>(Submission(transaction), Patience)).Outcomes);
        Assert.Null(outcome.Refusal);
        await End(partition);
        Assert.Equal(PoolState.Pending, await StateOf(await Start(), transaction));
        await ExpectNoMsgAsync(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public async Task A_restart_recovers_what_waits_and_drops_what_is_committed()
    {
        var partition = await Start();
        TransactionEnvelope[] transactions = [.. Enumerable.Range(0, 4).Select(nonce => Registration(person, (ulong)nonce))];
        foreach (var transaction in transactions) Assert.Null((await partition.Ask<SubmitOutcomes>(Submission(transaction), Patience)).Outcomes[0].Refusal);
        await End(partition);
        await Commit(transactions[0], transactions[1]);

        partition = await Start();
        Assert.Equal(transactions[2..], (await partition.Ask<Reaped>(new Reap(0, 10, 1 << 20), Patience)).Transactions);
        Assert.Equal(2, (await partition.Ask<PendingCount>(new CountPending(0), Patience)).Count);
        var receipt = (await partition.Ask<SubmitOutcomes>(Submission(transactions[0]), Patience)).Outcomes[0].Receipt!;
        Assert.Equal((1ul, 0u, ReceiptCode.Ok), (receipt.Height, receipt.Index, receipt.Code));
    }

    /// <summary>A node that was frozen and goes on runs a partition that has long been started elsewhere.</summary>
    [Fact]
    public async Task Once_another_incarnation_serves_the_older_one_acknowledges_nothing_more()
    {
        var stale = await Start();
        Assert.Null((await stale.Ask<SubmitOutcomes>(Submission(Registration(person, 0)), Patience)).Outcomes[0].Refusal);
        var current = await Start();

        await WatchAsync(stale);
        stale.Tell(Submission(Registration(person, 1)));
        await ExpectTerminatedAsync(stale, Patience);
        await ExpectNoMsgAsync(TimeSpan.FromMilliseconds(100));

        Assert.Null((await current.Ask<SubmitOutcomes>(Submission(Registration(person, 1)), Patience)).Outcomes[0].Refusal);
        await End(current);
        Assert.Equal(2, (await (await Start()).Ask<PendingCount>(new CountPending(0), Patience)).Count);
    }

    [Fact]
    public async Task What_refers_to_a_block_that_is_still_to_come_waits_for_it()
    {
        var partition = await Start();
        var first = Registration(person, 0);
        partition.Tell(Submission(Registration(person, 1)) with { Height = 1 });
        await ExpectNoMsgAsync(TimeSpan.FromMilliseconds(300));
        await Commit(first);
        Assert.Null(Assert.Single((await ExpectMsgAsync<SubmitOutcomes>(Patience)).Outcomes).Refusal);
    }

    [Fact]
    public async Task A_partition_that_moves_answers_what_it_has_begun()
    {
        var partition = await Start();
        await WatchAsync(partition);
        TransactionEnvelope[] transactions = [.. Enumerable.Range(0, 20).Select(nonce => Registration(person, (ulong)nonce))];
        foreach (var transaction in transactions) partition.Tell(Submission(transaction));
        partition.Tell(new LeavePartition());
        for (var i = 0; i < transactions.Length; i++) Assert.Null(Assert.Single((await ExpectMsgAsync<SubmitOutcomes>(Patience)).Outcomes).Refusal);
        await ExpectTerminatedAsync(partition, Patience);
        Assert.Equal(transactions.Length, (await (await Start()).Ask<PendingCount>(new CountPending(0), Patience)).Count);
    }

    [Fact]
    public async Task A_trimmed_journal_starts_again()
    {
        var partition = await Start();
        // One write each, more than are kept.
        for (var nonce = 0ul; nonce < 70; nonce++)
        {
            var transaction = Registration(person, nonce);
            await partition.Ask<SubmitOutcomes>(Submission(transaction), Patience);
            await Commit(transaction);
        }

        await End(partition);
        partition = await Start();
        Assert.Equal(0, (await partition.Ask<PendingCount>(new CountPending(0), Patience)).Count);
        var next = Registration(person, 70);
        Assert.Null((await partition.Ask<SubmitOutcomes>(Submission(next), Patience)).Outcomes[0].Refusal);
        await End(partition);
        Assert.Equal(PoolState.Pending, await StateOf(await Start(), next));
    }

    [Fact]
    public async Task Wrong_transactions_are_refused_each_with_its_reason_and_cost_the_others_nothing()
    {
        var partition = await Start();
        var good = Registration(person, 0);
        var forged = Registration(person, 1) with { Signature = good.Signature };
        var garbled = good with { Body = new byte[] { 1, 2, 3 } };
        var conflicting = Registration(person, 0) with { };
        var outcomes = (await partition.Ask<SubmitOutcomes>(Submission(good, forged, garbled, conflicting, Registration(person, 5_000)), Patience)).Outcomes;
        Assert.Equal([null, RefusalReason.BadSignature, RefusalReason.Malformed, null, RefusalReason.NonceTooFar], outcomes.Select(o => o.Refusal?.Reason));
    }

    [Fact]
    public async Task A_request_that_is_too_long_is_refused_and_the_others_go_on()
    {
        var partition = await Start();
        FaultyJournal.Fault = JournalFault.Hold;
        partition.Tell(Submission(Registration(person, 0)));
        await Assert.ThrowsAsync<ArgumentException>(() => partition.Ask<SubmitOutcomes>(Submission([.. Enumerable.Repeat(Registration(person, 0), SubmitTransactions.MaxTransactions + 1)]), Patience));
        FaultyJournal.Recover(Sys);
        Assert.Null((await ExpectMsgAsync<SubmitOutcomes>(Patience)).Outcomes[0].Refusal);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        person.Dispose();
    }

    private static SubmitTransactions Submission(params TransactionEnvelope[] transactions) => new(0, transactions, 0);

    /// <summary>Starts an incarnation, and waits until it serves.</summary>
    private async Task<IActorRef> Start()
    {
        var partition = Sys.ActorOf(Props.Create(() => new PoolPartition(0, settings)));
        await partition.Ask<PendingCount>(new CountPending(0), Patience);
        return partition;
    }

    private async Task<PoolState> StateOf(IActorRef partition, TransactionEnvelope transaction) =>
        (await partition.Ask<TransactionsFound>(new FindTransactions(0, [transaction.IdOn(Genesis.ChainId)]), Patience)).States[0].State;
}
