using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Vivim.Actors;
using Vivim.Actors.Messaging;
using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Tests.Actors;
using Vivim.Tests.Gateway;
using Xunit.Abstractions;

namespace Vivim.Tests.Workers;

/// <summary>Workers that grow and shrink by their load, in a real shard region over a real journal.</summary>
[Collection(Collection)]
public sealed class WorkerScaleTests(ITestOutputHelper output) : ActorTests
{
    private const string Type = "test";

    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(10);

    /// <summary>How long a task takes that makes load: much longer than the journal's part of it, wherever the test runs.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromMilliseconds(100);

    private readonly Effects effects = new();
    private IActorRef region = ActorRefs.Nobody;

    [Fact]
    public async Task Load_up_load_down_and_every_task_is_done_once()
    {
        await Host();
        var concurrent = new ConcurrentQueue<int>();
        var running = 0;
        effects.Job = async (_, cancellationToken) =>
        {
            concurrent.Enqueue(Interlocked.Increment(ref running));
            await Task.Delay(Long, cancellationToken);
            Interlocked.Decrement(ref running);
            return "ok";
        };
        var submitted = new List<string>();
        var loaded = Stopwatch.StartNew();
        while ((await Scale()).State.Count < 4)
        {
            if (submitted.Count - effects.Attempts.Count < 60) await SubmitMore(submitted, 20);
            else await Task.Delay(Short);
        }

        output.WriteLine($"grown from 1 to 4 workers after {loaded.Elapsed.TotalSeconds:0.0} s, with {effects.Attempts.Count} tasks of {Long.TotalMilliseconds} ms done");
        await SubmitMore(submitted, 20);
        var unloaded = Stopwatch.StartNew();

        // A trickle goes on while it shrinks: every one of them arrives at a worker that accepts.
        while ((await Scale()).State is not { Count: 1, Draining.Count: 0 })
        {
            if (effects.Attempts.Count == submitted.Count) await SubmitMore(submitted, 1);
            await Task.Delay(TimeSpan.FromMilliseconds(250));
        }

        output.WriteLine($"shrunk to 1 after {unloaded.Elapsed.TotalSeconds:0.0} s more");
        await Eventually.Async(() => Task.FromResult(effects.Attempts.Count >= submitted.Count));
        output.WriteLine($"{submitted.Count} tasks submitted, {effects.Attempts.Count} done, {effects.Attempts.Select(attempt => attempt.Key).Distinct().Count()} of them different; up to {concurrent.Max()} at once");
        Assert.Equal(submitted.Order(), effects.Attempts.Select(attempt => attempt.Key.Split('/')[1]).Order());
        Assert.True(concurrent.Max() > 1);
    }

    [Fact]
    public async Task A_task_sent_again_is_found_where_it_was_placed_when_there_were_more_or_fewer_workers()
    {
        await Host();
        var ids = Enumerable.Range(0, 40).Select(i => $"t{i:00}").ToList();
        foreach (var count in (int[])[1, 4, 2, 3])
        {
            Assert.Equal((count, true, ""), await Fix(count));
            foreach (var id in ids) Assert.Equal(TaskRefusal.None, (await Submit(id)).Refusal);
            await Eventually.Async(() => Task.FromResult(effects.Attempts.Count >= ids.Count));
        }

        Assert.Equal(ids, effects.Attempts.Select(attempt => attempt.Key.Split('/')[1]).Order());
        Assert.Equal(TaskRefusal.IdTaken, (await region.Ask<TaskAnswer>(new SubmitTask(Type, "t07", "store", "something else", 0), Patience)).Refusal);
        Assert.NotEmpty((await Fix(5)).Refusal);
    }

    [Fact]
    public async Task A_worker_with_a_task_in_doubt_stays_until_it_is_decided_and_the_scale_survives_a_crash()
    {
        await Host();
        await Fix(4);
        effects.Job = (_, _) => throw new IOException("broken pipe");
        var ids = Enumerable.Range(0, 30).Where(i => TaskPlacement.Of($"t{i}", 4) == 3).Select(i => $"t{i}").ToList();
        Assert.NotEmpty(ids);
        foreach (var id in ids) await region.Ask<TaskAnswer>(new SubmitTask(Type, id, "charge", "", 0), Patience);
        await Eventually.Async(async () => (await Report("test-3")).Metrics.InDoubt == ids.Count);
        await Fix(1);
        await Eventually.Async(async () => (await Scale()).State.Draining is [3]);
        Sys.ActorSelection($"/system/sharding/workers/{Type}/{Type}").Tell(Kill.Instance);
        await Eventually.Async(async () =>
        {
            try
            {
                // What reaches it while it dies is lost.
                return (await region.Ask<ScaleReport>(new ReadScale(Type), TimeSpan.FromSeconds(1))).State is { Count: 1, IsPinned: true, Draining: [3] };
            }
            catch (AskTimeoutException)
            {
                return false;
            }
        });

        foreach (var id in ids) await region.Ask<TaskAnswer>(new ResolveTask("test-3", id, TaskDecision.Done, "op"), Patience);
        await Eventually.Async(async () => (await Scale()).State.Draining.Count == 0);
        Assert.Equal(ids.Count, effects.Attempts.Count);
    }

    private async Task Host()
    {
        var cluster = Cluster.Get(Sys);
        await cluster.JoinAsync(cluster.SelfAddress);
        var template = new WorkerConfig { WorkerId = "test-0", WorkerType = Type, RetryPolicy = new RetryPolicy(3, Short, Short, 0), Timeout = Patience };
        var scale = new ScaleLimits(1, 4) { GrowAfter = 2, ShrinkAfter = 3 };
        var registry = new WorkerRegistry("here", [new WorkerType(template, 4, _ => new ScriptedWorker(effects)) { Scale = scale }]);
        var turns = Sys.ActorOf(Props.Create(() => new WorkerTurns(4)));
        var settings = new WorkerSettings(registry, turns, new WorkerBus(Sys, TimeProvider.System), () => region, TimeProvider.System, () => 0.5) { ScaleInterval = TimeSpan.FromMilliseconds(200) };
        region = await ClusterSharding.Get(Sys).StartAsync(
            "workers",
            id => registry.ScaleOf(id) is null ? Props.Create(() => new WorkerActor(id, settings)) : Props.Create(() => new WorkerScale(id, settings)),
            ClusterShardingSettings.Create(Sys),
            new ShardPerEntity(message => message is IWorkerMessage worker ? worker.Worker : null),
            new HomeAllocation(cluster, _ => ""),
            new LeaveWorker());
        await Eventually.Async(async () => (await Scale()).State.Count == 1);
    }

    private async Task SubmitMore(List<string> submitted, int count)
    {
        var ids = Enumerable.Range(submitted.Count, count).Select(i => $"t{i:0000}").ToList();
        foreach (var answer in await Task.WhenAll(ids.Select(Submit))) Assert.Equal((TaskRefusal.None, ""), (answer.Refusal, answer.Message));
        submitted.AddRange(ids);
    }

    private Task<TaskAnswer> Submit(string id) => region.Ask<TaskAnswer>(new SubmitTask(Type, id, "store", "", 0), Patience);

    private Task<ScaleReport> Scale() => region.Ask<ScaleReport>(new ReadScale(Type), Patience);

    private async Task<(int Count, bool IsPinned, string Refusal)> Fix(int count)
    {
        var report = await region.Ask<ScaleReport>(new SetScale(Type, count, "op"), Patience);
        return (report.State.Count, report.State.IsPinned, report.Refusal);
    }

    private Task<WorkerReport> Report(string id) => region.Ask<WorkerReport>(new ReadWorker(id), Patience);
}
