using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Vivim.Actors;
using Vivim.Actors.Messaging;
using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Tests.Actors;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Workers;

/// <summary>Two members of a cluster that share a journal: a worker whose node is gone.</summary>
[Collection(ActorTests.Collection)]
public sealed class WorkerFailoverTests : IAsyncLifetime
{
    private const string Worker = "test-0";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(1.5);

    private readonly Members members = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => members.EndAsync();

    [Fact]
    public async Task What_waits_on_a_node_that_is_gone_is_done_once_by_another()
    {
        var (lost, taken) = (new Effects { Job = Hang }, new Effects());
        var first = await Join("first");
        var region = await Host(first, "first", lost);
        var second = await Join("second");
        var other = await Host(second, "second", taken);
        foreach (var (id, kind) in new[] { ("a", "store"), ("b", "charge") }) Assert.Equal(TaskRefusal.None, (await other.Ask<TaskAnswer>(new SubmitTask(Worker, id, kind, "", 0), Patience)).Refusal);
        await Eventually.Async(() => Task.FromResult(lost.Attempts.Count == 1));
        Assert.Equal("first", (await other.Ask<WorkerReport>(new ReadWorker(Worker), Patience)).Node);

        // As if its process was killed: it hands nothing over.
        await first.Terminate().WaitAsync(Patience);
        Cluster.Get(second).Down(Cluster.Get(first).SelfAddress);
        await Eventually.Async(async () => await Asked(other) is { Metrics.Done: 2 });

        var report = await Asked(other);
        Assert.Equal(("second", 2UL, 1UL, 0), (report!.Node, report.Epoch, report.Metrics.Restarts, report.Metrics.InDoubt));
        Assert.Equal([($"{Worker}/a", 1)], lost.Attempts.Select(attempt => (attempt.Key, attempt.Number)));
        Assert.Equal([($"{Worker}/a", 2), ($"{Worker}/b", 1)], taken.Attempts.Select(attempt => (attempt.Key, attempt.Number)));
    }

    private static async Task<string> Hang(TaskAttempt attempt, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        return "never";
    }

    /// <summary>Null while it does not answer.</summary>
    private static async Task<WorkerReport?> Asked(IActorRef region)
    {
        try
        {
            return await region.Ask<WorkerReport>(new ReadWorker(Worker), TimeSpan.FromSeconds(1));
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    private static Task<IActorRef> Host(ActorSystem system, string name, Effects effects)
    {
        var pause = TimeSpan.FromMilliseconds(10);
        var template = new WorkerConfig { WorkerId = Worker, WorkerType = "test", RetryPolicy = new RetryPolicy(3, pause, pause, 0), Timeout = Lease };
        var registry = new WorkerRegistry(name, [new WorkerType(template, 1, _ => new ScriptedWorker(effects)) { HomeOf = _ => "first" }]);
        var turns = system.ActorOf(Props.Create(() => new WorkerTurns(1)));
        var settings = new WorkerSettings(registry, turns, new WorkerBus(system, TimeProvider.System), () => ActorRefs.Nobody, TimeProvider.System, () => 0);
        return ClusterSharding.Get(system).StartAsync(
            "workers",
            id => Props.Create(() => new WorkerActor(id, settings)),
            ClusterShardingSettings.Create(system),
            new ShardPerEntity(message => message is IWorkerMessage worker ? worker.Worker : null),
            new HomeAllocation(Cluster.Get(system), id => registry.HomeOf(id, host => host)),
            new LeaveWorker());
    }

    private Task<ActorSystem> Join(string name) => members.JoinAsync("shared", $$"""
        akka.coordinated-shutdown.run-by-actor-system-terminate = off
        akka.cluster.roles = ["node", "{{name}}"]
        akka.cluster.down-removal-margin = off
        akka.cluster.gossip-interval = 100ms
        akka.cluster.leader-actions-interval = 100ms
        akka.cluster.periodic-tasks-initial-delay = 100ms
        akka.cluster.singleton.hand-over-retry-interval = 200ms
        akka.cluster.sharding.retry-interval = 200ms
        akka.cluster.sharding.coordinator-failure-backoff = 200ms
        """);
}
