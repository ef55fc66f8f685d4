using Akka.Actor;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Persistence;
using Akka.Routing;
using Vivim.Actors;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Gateway;

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

    [Fact]
    public async Task What_is_dropped_for_want_of_places_is_told_why_also_after_a_restart_and_when_the_journal_is_trimmed()
    {
        var small = settings with { Limits = new PoolLimits(16, 16 * 1_024) };
        using var other = SigningKey.Generate();
        var partition = await Start(small);
        TransactionEnvelope[] many = [.. Enumerable.Range(0, 16).Select(nonce => Registration(person, (ulong)nonce))];
        Assert.All((await partition.Ask<SubmitOutcomes>(Submission(many), Patience)).Outcomes, outcome => Assert.Null(outcome.Refusal));

        // A full pool takes what the next block can include, of whoever has less: the greatest loses its last.
        Assert.Null((await partition.Ask<SubmitOutcomes>(Submission(Registration(other, 0)), Patience)).Outcomes[0].Refusal);
        await IsDropped(partition, many[15], RefusalReason.PoolFull);
        Assert.Equal(PoolState.Pending, await StateOf(partition, many[14]));

        await End(partition);
        partition = await Start(small);
        await IsDropped(partition, many[15], RefusalReason.PoolFull);
        await Commit([.. many[..15], Registration(other, 0)]);
        for (var nonce = 1ul; nonce < 80; nonce++)
        {
            var transaction = Registration(other, nonce);
            await partition.Ask<SubmitOutcomes>(Submission(transaction), Patience);
            await Commit(transaction);
        }

        await End(partition);
        partition = await Start(small);
        await IsDropped(partition, many[15], RefusalReason.PoolFull);
        // The same bytes may be sent again.
        Assert.Null((await partition.Ask<SubmitOutcomes>(Submission(many[15]), Patience)).Outcomes[0].Refusal);
        Assert.Equal(PoolState.Pending, await StateOf(partition, many[15]));
    }

    [Fact]
    public async Task What_an_older_journal_has_too_much_goes_with_a_reason()
    {
        var partition = await Start();
        TransactionEnvelope[] gapped = [.. Enumerable.Range(1, 60).Select(nonce => Registration(person, (ulong)nonce))];
        Assert.All((await partition.Ask<SubmitOutcomes>(Submission(gapped), Patience)).Outcomes, outcome => Assert.Null(outcome.Refusal));
        await End(partition);

        var small = settings with { Limits = new PoolLimits(10, 10 * 1_024) };
        for (var start = 0; start < 2; start++)
        {
            partition = await Start(small);
            Assert.Equal(small.Limits.Places, (await partition.Ask<PendingCount>(new CountPending(0), Patience)).Count);
            for (var i = 0; i < gapped.Length; i++)
            {
                if (i < small.Limits.Places) Assert.Equal(PoolState.Pending, await StateOf(partition, gapped[i]));
                else await IsDropped(partition, gapped[i], RefusalReason.NonceGap);
            }

            await End(partition);
        }
    }

    [Fact]
    public async Task One_transaction_that_waits_for_long_keeps_no_long_journal()
    {
        using var other = SigningKey.Generate();
        var partition = await Start();
        var parked = Registration(other, 1);
        await partition.Ask<SubmitOutcomes>(Submission(parked), Patience);
        // Each is an entry of its own.
        TransactionEnvelope[] others = [.. Enumerable.Range(0, 330).Select(nonce => Registration(person, (ulong)nonce))];
        foreach (var transaction in others) await partition.Ask<SubmitOutcomes>(Submission(transaction), Patience);
        await Commit(others);
        await Eventually.Async(async () =>
        {
            await Commit();
            return await JournalledEntries() < 64;
        });

        await End(partition);
        partition = await Start();
        Assert.Equal(1, (await partition.Ask<PendingCount>(new CountPending(0), Patience)).Count);
        Assert.Equal(PoolState.Pending, await StateOf(partition, parked));
    }

    [Fact]
    public async Task Signatures_of_one_address_under_verification_keep_no_other_address_out()
    {
        var slow = CreateTestProbe();
        var partition = await Start(settings with { Verifiers = slow });
        var forged = Registration(person, 0) with { Signature = Registration(person, 1).Signature };
        const int Requests = 1_000;
        for (var i = 0; i < Requests; i++) partition.Tell(Submission(forged) with { Origin = "192.0.2.1" });
        partition.Tell(Submission(Registration(person, 0)) with { Origin = "192.0.2.2" });

        var (outcomes, good) = (0, 0);
        while (good == 0)
        {
            var check = await slow.ExpectMsgAsync<CheckTransactions>(Patience);
            if (check.Transactions[0].Signature == forged.Signature) outcomes++;
            else good++;
            settings.Verifiers.Tell(check, slow.Sender);
        }

        Assert.InRange(outcomes, 16, Requests / 2);
        var reasons = new List<RefusalReason?>();
        for (var i = 0; i <= Requests; i++) reasons.Add((await ExpectMsgAsync<SubmitOutcomes>(Patience)).Outcomes[0].Refusal?.Reason);
        Assert.Equal((Requests - outcomes, outcomes, 1), (reasons.Count(r => r == RefusalReason.PoolFull), reasons.Count(r => r == RefusalReason.BadSignature), reasons.Count(r => r is null)));

        // The places are free again.
        partition.Tell(Submission(forged) with { Origin = "192.0.2.1" });
        await slow.ExpectMsgAsync<CheckTransactions>(Patience);
    }

    [Fact]
    public async Task A_failure_that_somebody_sends_restarts_nothing_and_loses_nothing()
    {
        var partition = await Start();
        var before = await partition.Ask<EntityStatus>(new CheckEntity("0"), Patience);
        partition.Tell(new Status.Failure(new IOException("not the partition's")));
        Assert.Equal(before.Life, (await partition.Ask<EntityStatus>(new CheckEntity("0"), Patience)).Life);
    }

    [Fact]
    public async Task An_operator_drops_a_sender_and_who_waits_is_told_once_that_is_durable()
    {
        var partition = await Start();
        using var other = SigningKey.Generate();
        TransactionEnvelope[] own = [.. Enumerable.Range(0, 3).Select(nonce => Registration(person, (ulong)nonce))];
        await partition.Ask<SubmitOutcomes>(Submission([.. own, Registration(other, 0)]), Patience);
        var sender = Did.OfKey(person.PublicKey);
        var listed = (await partition.Ask<SendersListed>(new ListSenders(0, 0, null, 10), Patience)).Senders;
        Assert.Equal((sender, 3, 0), (listed[0].Sender, listed[0].Transactions, listed[0].Parked));
        Assert.Equal([listed[1]], (await partition.Ask<SendersListed>(new ListSenders(0, listed[0].Places, listed[0].Sender, 10), Patience)).Senders);

        FaultyJournal.Fault = JournalFault.Hold;
        // Whoever gets no answer in time asks again.
        for (var i = 0; i < 2; i++) partition.Tell(new DropSender(0, sender, "did:key:operator"));
        Assert.Equal(PoolState.Pending, await StateOf(partition, own[0]));
        FaultyJournal.Recover(Sys);
        for (var i = 0; i < 2; i++) Assert.Equal(3, (await ExpectMsgAsync<SenderDropped>(Patience)).Count);
        foreach (var transaction in own) await IsDropped(partition, transaction, RefusalReason.DroppedByOperator);

        await End(partition);
        partition = await Start();
        foreach (var transaction in own) await IsDropped(partition, transaction, RefusalReason.DroppedByOperator);
        Assert.Equal(1, (await partition.Ask<PendingCount>(new CountPending(0), Patience)).Count);
    }

    /// <summary>Two verifiers may answer in any order. A gap that only that has made would be refused.</summary>
    [Fact]
    public async Task What_comes_in_order_is_admitted_in_order_whichever_verifier_is_faster()
    {
        var slow = Sys.ActorOf(Props.Create(() => new LateFirst(settings.Verifiers)));
        var partition = await Start(settings with { Verifiers = slow });
        TransactionEnvelope[] all = [.. Enumerable.Range(0, 300).Select(nonce => Registration(person, (ulong)nonce))];
        partition.Tell(Submission(all[..100]));
        partition.Tell(Submission(all[100..]));
        for (var i = 0; i < 2; i++) Assert.All((await ExpectMsgAsync<SubmitOutcomes>(Patience)).Outcomes, outcome => Assert.Null(outcome.Refusal));
        Assert.Equal(all, (await partition.Ask<Reaped>(new Reap(0, 1_000, 1 << 20), Patience)).Transactions);
    }

    [Fact]
    public async Task What_no_next_block_may_include_wakes_no_validator()
    {
        var partition = await Start();
        var mediator = DistributedPubSub.Get(Sys).Mediator;
        mediator.Tell(new Subscribe(WorkAvailable.Topic, TestActor));
        await ExpectMsgAsync<SubscribeAck>(Patience);

        await partition.Ask<SubmitOutcomes>(Submission(Registration(person, 1), Registration(person, 2)), Patience);
        partition.Tell(new WakePartition(0));
        await partition.Ask<PendingCount>(new CountPending(0), Patience);
        mediator.Tell(new Publish(WorkAvailable.Topic, new Marker()));
        await ExpectMsgAsync<Marker>(Patience);

        await partition.Ask<SubmitOutcomes>(Submission(Registration(person, 0)), Patience);
        await ExpectMsgAsync<WorkAvailable>(Patience);
    }

    /// <summary>A node that comes up from a snapshot hears of the last block only. Without a look at the chain what is settled would be work for ever.</summary>
    [Fact]
    public async Task A_partition_that_has_not_heard_of_every_block_reads_its_senders_again()
    {
        var partition = await Start();
        TransactionEnvelope[] own = [Registration(person, 0), Registration(person, 1)];
        await partition.Ask<SubmitOutcomes>(Submission(own), Patience);
        Sys.EventStream.Unsubscribe(partition);
        foreach (var transaction in own) await Commit(transaction);
        Assert.Equal(2, (await partition.Ask<PendingCount>(new CountPending(0), Patience)).Count);

        Sys.EventStream.Subscribe(partition, typeof(BlockCommitted));
        await Commit();
        await Eventually.Async(async () => (await partition.Ask<PendingCount>(new CountPending(0), Patience)).Count == 0);
        Assert.Empty((await partition.Ask<Reaped>(new Reap(0, 10, 1 << 20), Patience)).Transactions);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        person.Dispose();
    }

    private static SubmitTransactions Submission(params TransactionEnvelope[] transactions) => new(0, transactions, 0);

    /// <summary>Starts an incarnation, and waits until it serves.</summary>
    private Task<IActorRef> Start() => Start(settings);

    private async Task<IActorRef> Start(PoolSettings other)
    {
        var partition = Sys.ActorOf(Props.Create(() => new PoolPartition(0, other)));
        await partition.Ask<PendingCount>(new CountPending(0), Patience);
        return partition;
    }

    /// <summary>What a restart would read of the journal.</summary>
    private async Task<int> JournalledEntries()
    {
        var reader = CreateTestProbe();
        var actor = Sys.ActorOf(Props.Create(() => new JournalReader(reader)));
        var count = await reader.ExpectMsgAsync<int>(Patience);
        Sys.Stop(actor);
        return count;
    }

    private async Task<PoolState> StateOf(IActorRef partition, TransactionEnvelope transaction) => (await Find(partition, transaction)).State;

    private async Task IsDropped(IActorRef partition, TransactionEnvelope transaction, RefusalReason reason)
    {
        var found = await Find(partition, transaction);
        Assert.Equal((PoolState.Dropped, reason), (found.State, found.Dropped?.Reason));
    }

    private async Task<PoolTransactionState> Find(IActorRef partition, TransactionEnvelope transaction) =>
        (await partition.Ask<TransactionsFound>(new FindTransactions(0, [transaction.IdOn(Genesis.ChainId)]), Patience)).States[0];

    private sealed record Marker;

    /// <summary>Counts the partition's journal entries.</summary>
    private sealed class JournalReader : ReceivePersistentActor
    {
        private int count;

        public JournalReader(IActorRef to)
        {
            JournalPluginId = "vivim-journals.pool";
            Recover<RecoveryCompleted>(_ => to.Tell(count));
            RecoverAny(_ => count++);
            CommandAny(_ => { });
        }

        public override string PersistenceId => "pool-0";
    }

    /// <summary>Passes the first message on after the second.</summary>
    private sealed class LateFirst : ReceiveActor
    {
        public LateFirst(IActorRef target)
        {
            (object Message, IActorRef Sender)? first = null;
            ReceiveAny(message =>
            {
                if (first is null)
                {
                    first = (message, Sender);
                    return;
                }

                target.Forward(message);
                target.Tell(first.Value.Message, first.Value.Sender);
            });
        }
    }
}
