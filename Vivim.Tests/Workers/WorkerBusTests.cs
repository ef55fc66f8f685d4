using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Configuration;
using Vivim.Actors.Messaging;
using Vivim.Tests.Actors;
using Vivim.Tests.Gateway;
using Vivim.Tests.Remoting;

namespace Vivim.Tests.Workers;

/// <summary>Three actor systems that form a cluster over loopback, configured as nodes are.</summary>
public sealed class BusCluster : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-bus-");
    private readonly List<ActorSystem> systems = [];

    private readonly RefusalCount refusals = new();

    internal IReadOnlyList<WorkerBus> Buses { get; private set; } = [];

    internal IReadOnlyList<ActorSystem> Systems => systems;

    public async Task InitializeAsync()
    {
        var config = ConfigurationFactory.ParseString("akka.loggers = []").WithFallback(TestSettings.AkkaOfMember(folder, "OFF"));
        for (var i = 0; i < 3; i++) systems.Add(ActorSystem.Create("vivim", config));
        var seed = Cluster.Get(systems[0]).SelfAddress;
        foreach (var system in systems) await Cluster.Get(system).JoinAsync(seed);
        await Eventually.Async(() => Task.FromResult(systems.All(system => Cluster.Get(system).State.Members.Count(m => m.Status == MemberStatus.Up) == 3)));
        foreach (var system in systems) DistributedPubSub.Get(system);
        Buses = [.. systems.Select(system => new WorkerBus(system, TimeProvider.System))];
    }

    public async Task DisposeAsync()
    {
        var refused = refusals.Since();
        foreach (var system in systems) await system.Terminate();
        folder.Delete(recursive: true);
        Assert.Empty(refused);
    }
}

[Collection(ActorTests.Collection)]
public sealed class WorkerBusTests(BusCluster cluster) : IClassFixture<BusCluster>
{
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task What_is_published_reaches_every_node_and_no_longer_who_has_gone()
    {
        var received = new ConcurrentBag<int>();
        var subscriptions = cluster.Buses.Select((bus, node) => bus.Subscribe("news", (_, _) => Nothing(() => received.Add(node)))).ToList();

        await Eventually.Async(() =>
        {
            cluster.Buses[0].Publish("news", Message("gc-1", "*"));
            return Task.FromResult(received.Distinct().Count() == 3);
        });
        subscriptions[2].Dispose();
        // The other nodes hear of it in a moment.
        await Eventually.Async(async () =>
        {
            received.Clear();
            cluster.Buses[0].Publish("news", Message("gc-1", "*"));
            await Eventually.Async(() => Task.FromResult(received.Distinct().Count(node => node != 2) == 2));
            return !received.Contains(2);
        });
        received.Clear();
        await Eventually.Async(() =>
        {
            cluster.Buses[0].Publish("news", Message("gc-1", "*"));
            return Task.FromResult(received.Count > 20);
        });

        Assert.DoesNotContain(2, received);
        subscriptions.ForEach(subscription => subscription.Dispose());
    }

    [Fact]
    public async Task A_request_gets_the_answer_of_its_worker_on_another_node_and_every_failure_its_name()
    {
        using var worker = cluster.Buses[1].Respond("echo-1", "echo", (message, _) => message.Type == "fail"
            ? throw new InvalidOperationException("cannot")
            : Task.FromResult<ReadOnlyMemory<byte>>(Encoding.UTF8.GetBytes($"{Encoding.UTF8.GetString(message.Payload.Span)} from {message.From}")));
        var question = Message("ask-1", "echo-1") with { Payload = "hello"u8.ToArray() };
        var answer = await RequestWhenUp(cluster.Buses[0], question);

        Assert.Equal("hello from ask-1", Encoding.UTF8.GetString(answer.Payload.Span));
        Assert.Equal((question.Id, "echo-1", "ask-1"), (answer.CorrelationId, answer.From, answer.To));
        var failed = await FailureOf(cluster.Buses[2], Message("ask-1", "echo-1") with { Type = "fail" });
        Assert.Equal((RequestFailure.Failed, "cannot"), (failed.Failure, failed.Message));
        Assert.Equal(RequestFailure.Absent, (await FailureOf(cluster.Buses[0], Message("ask-1", "nobody-1"))).Failure);
        Assert.Equal(RequestFailure.Expired, (await FailureOf(cluster.Buses[0], Message("ask-1", "echo-1") with { Timestamp = DateTimeOffset.UtcNow - Life - Life })).Failure);
        await Assert.ThrowsAsync<ArgumentException>(() => cluster.Buses[0].Request(Message("ask-1", "echo-1") with { Payload = new byte[WorkerMessage.MaxPayload + 1] }));
    }

    [Fact]
    public async Task A_worker_that_ends_before_it_answers_is_told_of_at_once()
    {
        var begun = new TaskCompletionSource();
        var worker = cluster.Buses[1].Respond("slow-1", "slow", async (_, cancellationToken) =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return default;
        });
        var question = RequestWhenUp(cluster.Buses[0], Message("ask-1", "slow-1") with { TimeToLive = TimeSpan.FromMinutes(30) });
        await begun.Task.WaitAsync(Life);
        worker.Dispose();

        var failure = await Assert.ThrowsAsync<WorkerRequestException>(() => question.WaitAsync(Life));
        Assert.Equal(RequestFailure.Died, failure.Failure);
    }

    [Fact]
    public async Task A_broadcast_reaches_the_types_it_is_for()
    {
        var received = new ConcurrentBag<string>();
        var workers = new[] { "index-1", "index-2", "feed-1" }.Select((id, i) => cluster.Buses[i].Respond(id, id.Split('-')[0], (_, _) => Nothing(() => received.Add(id)))).ToList();

        await Eventually.Async(() =>
        {
            cluster.Buses[2].Broadcast(Message("ask-1", "*"), "index");
            return Task.FromResult(received.Distinct().Count() == 2);
        });
        Assert.DoesNotContain("feed-1", received);
        await Eventually.Async(() =>
        {
            cluster.Buses[0].Broadcast(Message("ask-1", "*"));
            return Task.FromResult(received.Distinct().Count() == 3);
        });
        workers.ForEach(worker => worker.Dispose());
    }

    /// <summary>A hundred thousand low messages wait; a high one that comes last is among the next to be handled. What has expired is counted, not handled.</summary>
    [Fact]
    public async Task A_flood_of_low_messages_delays_no_high_one_and_expired_ones_are_counted()
    {
        const int flood = 100_000;
        const int expired = 1_000;
        using var counted = new BusCounts();
        var (begun, open) = (new TaskCompletionSource(), new TaskCompletionSource());
        var (handled, place) = (0, 0);
        MessageHandler handler = async (message, _) =>
        {
            begun.TrySetResult();
            await open.Task;
            handled++;
            if (message.Priority == MessagePriority.High) place = handled;
            return default;
        };
        var inbox = cluster.Systems[0].ActorOf(Props.Create(() => new WorkerInbox(Array.Empty<string>(), handler, TimeProvider.System, CancellationToken.None)));
        var low = Message("ask-1", "busy-1") with { Priority = MessagePriority.Low, TimeToLive = TimeSpan.FromMinutes(10) };
        inbox.Tell(low);
        await begun.Task.WaitAsync(Life);

        var stale = low with { Timestamp = DateTimeOffset.UtcNow - low.TimeToLive };
        for (var i = 1; i < flood; i++) inbox.Tell(i % (flood / expired) == 0 ? stale : low);
        inbox.Tell(low with { Priority = MessagePriority.High });
        // Answered after all of them have come in.
        await inbox.Ask<Located>(new Locate("busy-1"), Life);
        open.SetResult();

        await Eventually.Async(() => Task.FromResult(counted[BusOutcome.Handled] + counted[BusOutcome.Expired] == flood + 1));
        Assert.Equal(expired - 1, counted[BusOutcome.Expired]);
        Assert.Equal(0, counted[BusOutcome.Refused]);
        // One was being handled when it came.
        Assert.InRange(place, 2, 2 + PriorityLanes<int>.MostLowerTurns);
    }

    [Fact]
    public async Task A_request_to_a_full_inbox_is_refused_and_one_of_another_priority_is_not()
    {
        var (begun, open) = (new TaskCompletionSource(), new TaskCompletionSource());
        using var worker = cluster.Buses[1].Respond("full-1", "full", async (_, _) =>
        {
            begun.TrySetResult();
            await open.Task;
            return default;
        });
        var heavy = Message("ask-1", "full-1") with { Payload = new byte[WorkerMessage.MaxPayload] };
        var first = RequestWhenUp(cluster.Buses[1], heavy);
        await begun.Task.WaitAsync(Life);
        // 64 MiB wait in the lane.
        for (var i = 0; i < 1_100; i++) cluster.Buses[1].Broadcast(heavy, "full");

        // A question takes another way than a broadcast, and may come before it.
        await Eventually.Async(async () =>
            (await FailureOf(cluster.Buses[1], Message("ask-1", "full-1") with { Payload = heavy.Payload, TimeToLive = TimeSpan.FromSeconds(1) })).Failure == RequestFailure.InboxFull);
        open.SetResult();
        await first.WaitAsync(Life);
        await RequestWhenUp(cluster.Buses[0], Message("ask-1", "full-1") with { Priority = MessagePriority.High });
    }

    private static WorkerMessage Message(string from, string to) =>
        new(Guid.NewGuid().ToString("n"), from, to, "test", default, MessagePriority.Normal, Life, null, DateTimeOffset.UtcNow);

    private static Task<ReadOnlyMemory<byte>> Nothing(Action act)
    {
        act();
        return Task.FromResult<ReadOnlyMemory<byte>>(default);
    }

    /// <summary>Other nodes hear of a worker that has just come up in a moment.</summary>
    private static async Task<WorkerMessage> RequestWhenUp(WorkerBus bus, WorkerMessage message)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await bus.Request(message);
            }
            catch (WorkerRequestException e) when (e.Failure == RequestFailure.Absent && tries < 15)
            {
                message = message with { Timestamp = DateTimeOffset.UtcNow };
            }
        }
    }

    private static async Task<WorkerRequestException> FailureOf(WorkerBus bus, WorkerMessage message) => await Assert.ThrowsAsync<WorkerRequestException>(() => bus.Request(message));

    /// <summary>What the meter counts of low and high messages, while it lives.</summary>
    private sealed class BusCounts : IDisposable
    {
        private readonly ConcurrentDictionary<string, long> counts = new(StringComparer.Ordinal);
        private readonly MeterListener listener = new();

        public BusCounts()
        {
            listener.InstrumentPublished = (instrument, hearing) =>
            {
                if (instrument.Meter.Name == BusMeter.Name) hearing.EnableMeasurementEvents(instrument);
            };
            listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
            {
                if (tags[1].Value is not "normal") counts.AddOrUpdate((string)tags[0].Value!, count, (_, before) => before + count);
            });
            listener.Start();
        }

        public long this[BusOutcome outcome] => counts.GetValueOrDefault(outcome.ToString().ToLowerInvariant());

        public void Dispose() => listener.Dispose();
    }
}
