using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Routing;
using Vivim.Actors;
using Vivim.Actors.Supervision;
using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Chain.Consensus;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Gateway.Node;
using Vivim.Gateway.Workers;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Actors;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Workers;

/// <summary>The workers of the chain's own entities, hosted with these as a node does it.</summary>
[Collection(Collection)]
public sealed class ChainWorkerTests : ActorTests
{
    private readonly SigningKey person = SigningKey.Generate();
    private readonly SqliteSignerStore signers;
    private readonly List<SupervisionEvent> heard = [];
    private IActorRef pool = ActorRefs.Nobody;
    private IActorRef workers = ActorRefs.Nobody;

    public ChainWorkerTests()
    {
        signers = new SqliteSignerStore(FileOf("signer"));
        signers.Create(ValidatorKey.PublicKey, SignerRow.Initial);
    }

    [Fact]
    public async Task A_restart_of_a_pools_worker_begins_its_partition_anew_and_no_transaction_is_lost()
    {
        await HostPool();
        await HostWorkers([]);
        var partition = PoolPartitions.Of(Did.OfKey(person.PublicKey));
        var worker = $"txpool-{partition}";
        await Running(worker);
        var (former, other) = (await Life(pool, $"{partition}"), await Life(pool, $"{(partition + 1) % 8}"));
        Sys.EventStream.Subscribe(TestActor, typeof(SupervisionRecorded));

        TransactionEnvelope[] transactions = [.. Enumerable.Range(0, 40).Select(nonce => Registration(person, (ulong)nonce))];
        for (var i = 0; i < transactions.Length; i++)
        {
            var submitted = pool.AskPool<SubmitOutcomes>(new SubmitTransactions(partition, [transactions[i]], 0), Patience, CancellationToken.None);
            if (i == 10) await workers.Ask<WorkerReport>(new RestartWorker(worker, "op"), Patience);
            Assert.Null((await submitted).Outcomes.Single().Refusal);
        }

        await Eventually.Async(async () => (await Report(worker)).Changes.Select(change => change.To).ToList() is [.., WorkerState.Stopping, WorkerState.Stopped, WorkerState.Starting, WorkerState.Running]);
        Assert.NotEqual(former, await Life(pool, $"{partition}"));
        Assert.Equal(other, await Life(pool, $"{(partition + 1) % 8}"));
        Assert.Equal(transactions, (await pool.Ask<Reaped>(new Reap(partition, 100, 1 << 20), Patience)).Transactions);
        var path = $"/system/sharding/pool/{partition}/{partition}";
        var told = await Told(SupervisionKind.Passivated, path);
        Assert.Equal((FailureCause.None, "restarted by op"), (told.Cause, told.Detail));
        await Told(SupervisionKind.Started, path);
        Assert.Equal("40 transactions pending at height 0; 40 of 1000 places taken, 0 by parked ones", (await pool.Ask<EntityStatus>(new CheckEntity($"{partition}"), Patience)).Message);
        Assert.Matches("^[0-9]+ transactions pending at height 0; ", (await Report(worker)).Health.Message);
    }

    [Fact]
    public async Task A_crash_of_a_worker_is_one_of_its_entity_which_is_back_and_the_chain_goes_on()
    {
        await HostPool();
        var keys = await HostValidators();
        await HostWorkers(keys);
        await Running("validator-1");
        var key = keys[0].PublicKey.ToString();
        var entities = new (string Worker, string Region, string Entity)[] { ("txpool-7", "pool", "7"), ("blockmaker-1", "block-makers", key), ("validator-1", "validators", key) };
        var former = await Task.WhenAll(entities.Select(entity => Life(RegionOf(entity.Region), entity.Entity)));
        Assert.Equal(3, former.Distinct().Count());
        Sys.EventStream.Subscribe(TestActor, typeof(SupervisionRecorded));
        foreach (var entity in entities) await workers.Ask<WorkerReport>(new CrashWorker(entity.Worker, "op"), Patience);

        foreach (var (worker, region, entity) in entities)
        {
            var told = await Told(SupervisionKind.Restarted, $"/system/sharding/{region}/{entity}/{entity}");
            Assert.Equal(("CrashedOnPurposeException", "crashed on purpose by op"), (told.Cause.Type, told.Cause.Message));
            await Eventually.Async(async () => await Report(worker) is { State: WorkerState.Running, Metrics.Restarts: 1, Health.Status: HealthStatus.Healthy });
        }

        var height = await Ledger.Read(ledger => ledger.Tip.Height);
        await Eventually.Async(async () => await Ledger.Read(ledger => ledger.Tip.Height) > height + 1);
        var lives = await Task.WhenAll(entities.Select(entity => Life(RegionOf(entity.Region), entity.Entity)));
        Assert.Empty(lives.Intersect(former));
        Assert.Matches("^did:key:z6Mk[^:]+: height [0-9]+, round [0-9]+, ", (await Report("validator-1")).Health.Message);
        Assert.Matches("^proposed height [0-9]+, round 0, with 0 transactions$", (await Report("blockmaker-1")).Health.Message);
    }

    [Fact]
    public async Task A_restart_of_workers_begins_validator_and_block_maker_anew_and_the_chain_goes_on()
    {
        await HostPool();
        var keys = await HostValidators();
        await HostWorkers(keys);
        await Running("validator-1");
        var key = keys[0].PublicKey.ToString();
        foreach (var (worker, region) in new[] { ("blockmaker-1", "block-makers"), ("validator-1", "validators") })
        {
            var former = await Life(RegionOf(region), key);
            await workers.Ask<WorkerReport>(new RestartWorker(worker, "op"), Patience);
            await Eventually.Async(async () => await Report(worker) is { Epoch: 2, State: WorkerState.Running });
            Assert.NotEqual(former, await Life(RegionOf(region), key));
        }

        var height = await Ledger.Read(ledger => ledger.Tip.Height);
        await Eventually.Async(async () => await Ledger.Read(ledger => ledger.Tip.Height) > height + 1);
        var refused = await workers.Ask<TaskAnswer>(new SubmitTask("validator-1", "task", "vote", "", 0), Patience);
        Assert.Equal((TaskRefusal.UnknownKind, "validator-1 has no job 'vote'; it has none"), (refused.Refusal, refused.Message));
    }

    [Fact]
    public async Task An_entity_that_does_not_answer_makes_its_worker_unhealthy_and_is_named()
    {
        var worker = new ChainWorker(() => new ChainEntity(TestActor, "3", "pool partition 3")) { AnswerLimit = TimeSpan.FromMilliseconds(50) };
        var health = await worker.CheckHealth(CancellationToken.None);
        Assert.Equal(HealthStatus.Unhealthy, health.Status);
        Assert.Matches("^pool partition 3 in /system/testActor[0-9]+ did not answer within 0.05 s$", health.Message);
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        Assert.Contains("pool partition 3", (await Assert.ThrowsAsync<TimeoutException>(() => worker.Initialize(limit.Token))).Message, StringComparison.Ordinal);
        Assert.Contains("has not begun anew", (await Assert.ThrowsAsync<TimeoutException>(() => worker.Renew("op", limit.Token))).Message, StringComparison.Ordinal);

        await worker.Crash("op", CancellationToken.None);
        Assert.Equal(new CrashEntity("3", "op"), await FishForMessageAsync<object>(message => message is CrashEntity, Patience));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        signers.Dispose();
        person.Dispose();
    }

    private async Task HostPool()
    {
        await Cluster.Get(Sys).JoinAsync(Cluster.Get(Sys).SelfAddress);
        Sys.StartSupervision(new SupervisionLog(1_000), new SupervisionTally(), null, TimeProvider.System);
        var verifiers = Sys.ActorOf(Props.Create(() => new SignatureVerifier(Genesis.ChainId, Verified)).WithDispatcher(SignatureVerifier.Dispatcher).WithRouter(new RoundRobinPool(1)));
        pool = await NodeEntities.HostPool(Sys, new PoolSettings(Ledger, verifiers, ChainReader, new PoolLimits(1_000, 1 << 20), TimeSpan.FromMilliseconds(5)), CancellationToken.None);
    }

    private async Task<IReadOnlyList<SigningKey>> HostValidators()
    {
        await NodeEntities.HostValidators(Sys, ValidatorKeys, signers, Ledger, pool, Sys.DeadLetters, TestSettings.Of(), TimeProvider.System);
        return ValidatorKeys;
    }

    private async Task HostWorkers(IReadOnlyList<SigningKey> validators)
    {
        string[] types = ["txpool", "blockmaker", "validator"];
        var settings = TestSettings.Of(types.Select(type => ($"workers.{type}.retry.first-pause", "10ms")));
        workers = (await NodeWorkers.Host(Sys, NodeWorkers.RegistryOf(settings, [FileOf("chain")], Sys, Sys.DeadLetters, validators, null), TimeProvider.System)).Region;
    }

    private IActorRef RegionOf(string name) => ClusterSharding.Get(Sys).ShardRegion(name);

    private static async Task<string> Life(IActorRef region, string entity) => (await region.Ask<EntityStatus>(new CheckEntity(entity), Patience)).Life;

    private async Task<SupervisionEvent> Told(SupervisionKind kind, string path)
    {
        while (true)
        {
            if (heard.Find(e => e.Kind == kind && e.Path == path) is { } told) return told;
            heard.Add((await ExpectMsgAsync<SupervisionRecorded>(Patience)).Event);
        }
    }

    /// <summary>Asks until there is an answer: what reaches a worker that has just crashed may be lost.</summary>
    private async Task<WorkerReport> Report(string worker)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return await workers.Ask<WorkerReport>(new ReadWorker(worker), TimeSpan.FromSeconds(2));
            }
            catch (AskTimeoutException) when (tries < 10)
            {
                // Again.
            }
        }
    }

    private Task Running(string worker) => Eventually.Async(async () => (await Report(worker)).State == WorkerState.Running);
}
