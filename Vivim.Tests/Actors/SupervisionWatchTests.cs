using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using Akka.TestKit.Xunit2;
using Vivim.Actors;
using Vivim.Actors.Supervision;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Actors;

/// <summary>Real actors that fail, in an actor system configured as a node's, and what the supervision log says of them.</summary>
[Collection(ActorTests.Collection)]
public sealed class SupervisionWatchTests : TestKit
{
    private const int Capacity = 64;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo folder;
    private readonly SupervisionTally tally = new();
    private readonly IActorRef watch;

    public SupervisionWatchTests()
        : this(Directory.CreateTempSubdirectory("vivim-supervision-"))
    {
    }

    private SupervisionWatchTests(DirectoryInfo folder)
        : base(ConfigurationFactory.ParseString("akka.loggers = [\"Akka.TestKit.TestEventListener, Akka.TestKit\"], akka.loglevel = OFF").WithFallback(TestSettings.AkkaOfMember(folder, "OFF")), "vivim")
    {
        this.folder = folder;
        var log = new SupervisionLog(Capacity);
        watch = Sys.StartSupervision(log, tally, "node-1", TimeProvider.System);
        Cluster.Join(Cluster.SelfAddress);
    }

    private Akka.Cluster.Cluster Cluster => Akka.Cluster.Cluster.Get(Sys);

    [Fact]
    public async Task A_sharded_entity_that_throws_is_seen_as_restarted_with_its_cause()
    {
        var region = await Region("throwing");
        region.Tell(new ToEntity("e1", Fail: "the disk is full"), ActorRefs.NoSender);
        var events = await Sees(events => events.Any(e => e.Kind == SupervisionKind.Restarted), "/system/sharding/throwing/");
        Assert.Equal(
            [(SupervisionKind.Started, "", FailureCause.None), (SupervisionKind.Started, "e1", FailureCause.None), (SupervisionKind.Restarted, "e1", new FailureCause("InvalidOperationException", "the disk is full"))],
            events.Select(e => (e.Kind, e.Entity, e.Cause)));
        Assert.All(events, e => Assert.Equal("throwing", e.Region));
        Assert.Equal("/system/sharding/throwing/e1/e1", events[^1].Path);
        Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - events[^1].At, 0, 60_000);
        Assert.Equal(1, tally.Read().Single(t => t.Kind == SupervisionKind.Restarted).Count);
    }

    [Fact]
    public async Task An_entity_that_ends_by_a_failure_is_backed_off_and_woken_by_its_keeper()
    {
        var region = await Region("ending");
        Sys.ActorOf(Props.Create(() => new EntityKeeper(region, new object[] { new ToEntity("e1", null) }, TimeSpan.FromMilliseconds(300))));
        const string path = "/system/sharding/ending/e1/e1";
        await Sees(events => events.Count == 1, path);
        region.Tell(new ToEntity("e1", "the row is gone") { Ends = true }, ActorRefs.NoSender);

        var cause = new FailureCause("InvalidOperationException", "the row is gone");
        var events = await Sees(events => events.Count(e => e.Kind == SupervisionKind.Started) == 2, path);
        Assert.Equal(
            [(SupervisionKind.Started, FailureCause.None), (SupervisionKind.Stopped, cause), (SupervisionKind.BackedOff, cause), (SupervisionKind.Started, FailureCause.None)],
            events.Select(e => (e.Kind, e.Cause)));
        Assert.Equal("woken again within 300 ms", events[2].Detail);
    }

    [Fact]
    public async Task An_entity_that_asks_for_it_is_passivated_and_stops_without_a_cause()
    {
        var region = await Region("idling");
        region.Tell(new ToEntity("e1", null) { Idles = true }, ActorRefs.NoSender);
        var events = await Sees(events => events.Any(e => e.Kind == SupervisionKind.Stopped), "/system/sharding/idling/e1/e1");
        Assert.Equal([SupervisionKind.Started, SupervisionKind.Passivated, SupervisionKind.Stopped], events.Select(e => e.Kind));
        Assert.All(events, e => Assert.False(e.Cause.Exists));
    }

    [Fact]
    public async Task A_failure_that_a_supervisor_leaves_to_its_own_is_seen_as_escalated_and_then_restarts_the_supervisor()
    {
        var cause = new FailureCause("InvalidOperationException", "too much for us");
        Sys.ActorOf(Props.Create(() => new Parent(Directive.Escalate)), "parent").Tell("too much for us");
        var events = await Sees(events => events.Any(e => e is { Kind: SupervisionKind.Restarted }), "/user/parent");
        Assert.Contains((SupervisionKind.Escalated, "/user/parent/child", cause), events.Select(e => (e.Kind, e.Path, e.Cause)));
        Assert.Contains((SupervisionKind.Restarted, "/user/parent", cause), events.Select(e => (e.Kind, e.Path, e.Cause)));
    }

    [Theory]
    [InlineData(Directive.Resume, SupervisionKind.Resumed)]
    [InlineData(Directive.Stop, SupervisionKind.Stopped)]
    [InlineData(Directive.Restart, SupervisionKind.Restarted)]
    public async Task What_a_supervisor_decides_is_seen_with_the_cause(Directive decision, SupervisionKind kind)
    {
        Sys.ActorOf(Props.Create(() => new Parent(decision)), "parent").Tell("a small thing");
        var seen = (await Sees(events => events.Any(e => e.Kind == kind), "/user/parent/child")).Single(e => e.Kind == kind);
        Assert.Equal(new FailureCause("InvalidOperationException", "a small thing"), seen.Cause);
    }

    [Fact]
    public async Task An_actor_that_cannot_start_is_seen_as_stopped_with_what_its_constructor_threw()
    {
        Sys.ActorOf(Props.Create(() => new Unborn()), "unborn");
        var events = await Sees(events => events.Count > 0, "/user/unborn");
        Assert.Equal((SupervisionKind.Stopped, new FailureCause("IOException", "no such file")), (events[0].Kind, events[0].Cause));
    }

    [Fact]
    public async Task A_shard_that_is_given_to_another_node_is_seen_as_rebalanced_and_one_that_stays_is_not()
    {
        var provider = ((ExtendedActorSystem)Sys).Provider;
        IActorRef[] regions = [provider.ResolveActorRef("akka.tcp://vivim@10.0.0.1:4053/system/sharding/moving"), provider.ResolveActorRef("akka.tcp://vivim@10.0.0.2:4053/system/sharding/moving")];
        var placed = new Placed();
        var allocation = new ObservedAllocation("moving", placed, Sys);
        foreach (var chosen in (int[])[0, 0, 1])
        {
            placed.Chosen = regions[chosen];
            Assert.Equal(regions[chosen], await allocation.AllocateShard(regions[0], "7", Allocations()));
        }

        // On a coordinator that has just started, by what it hears at the first rebalancing.
        var next = new ObservedAllocation("moving", placed, Sys);
        await next.Rebalance(Allocations().Add(regions[1], ["8"]), ImmutableHashSet<string>.Empty);
        placed.Chosen = regions[0];
        await next.AllocateShard(regions[0], "8", Allocations());

        var events = await Sees(events => events.Count == 2, "/system/sharding/moving");
        Assert.All(events, e => Assert.Equal(SupervisionKind.Rebalanced, e.Kind));
        Assert.Equal(
            [("/system/sharding/moving/7", "from akka.tcp://vivim@10.0.0.1:4053 to akka.tcp://vivim@10.0.0.2:4053"), ("/system/sharding/moving/8", "from akka.tcp://vivim@10.0.0.2:4053 to akka.tcp://vivim@10.0.0.1:4053")],
            events.Select(e => (e.Path, e.Detail)));

        ImmutableDictionary<IActorRef, IImmutableList<string>> Allocations() =>
            ImmutableDictionary<IActorRef, IImmutableList<string>>.Empty;
    }

    [Fact]
    public async Task A_watcher_that_is_too_slow_is_told_how_many_events_it_has_lost_and_then_goes_on()
    {
        await AwaitConditionAsync(() => Task.FromResult(Cluster.SelfMember.Status == Akka.Cluster.MemberStatus.Up), Patience);
        using var limit = new CancellationTokenSource(Patience);
        await using var items = new SupervisionFeed(Sys).Watch(new SupervisionFilter([], "/noticed/"), 0, null, limit.Token).GetAsyncEnumerator(limit.Token);
        var first = items.MoveNextAsync();
        var published = 0;
        while (!first.IsCompleted)
        {
            Publish();
            await Task.Delay(50);
        }

        Assert.True(await first);
        // While it does nothing, more comes than pages ahead and the log can hold.
        for (var burst = 0; burst < 8; burst++)
        {
            for (var i = 0; i < 10 * Capacity; i++) Publish();
            await Task.Delay(100);
        }

        var (next, lost) = (ulong.Parse(items.Current.Event!.Path["/noticed/".Length..]) + 1, 0UL);
        while (next < (ulong)published)
        {
            Assert.True(await items.MoveNextAsync());
            if (items.Current.Event is { } e) Assert.Equal($"/noticed/{next++}", e.Path);
            else (next, lost) = (next + items.Current.Lost, lost + items.Current.Lost);
        }

        Assert.Equal((ulong)published, next);
        Assert.InRange(lost, (ulong)Capacity, (ulong)published);

        void Publish() => Sys.EventStream.Publish(new SupervisionNotice(SupervisionKind.BackedOff, $"/noticed/{published++}", FailureCause.None, ""));
    }

    [Fact]
    public async Task The_newest_events_come_first_and_then_what_follows()
    {
        await AwaitConditionAsync(() => Task.FromResult(Cluster.SelfMember.Status == Akka.Cluster.MemberStatus.Up), Patience);
        for (var i = 0; i < 5; i++) Notice(i);
        await Sees(events => events.Count == 5, "/noticed/");
        using var limit = new CancellationTokenSource(Patience);
        var filter = new SupervisionFilter([SupervisionKind.BackedOff], "/noticed/");
        await using var items = new SupervisionFeed(Sys).Watch(filter, 2, "node-1", limit.Token).GetAsyncEnumerator(limit.Token);
        foreach (var expected in (int[])[3, 4, 5, 6])
        {
            if (expected >= 5) Notice(expected);
            Assert.True(await items.MoveNextAsync());
            Assert.Equal(("node-1", $"/noticed/{expected}"), (items.Current.Node, items.Current.Event!.Path));
        }

        await using var others = new SupervisionFeed(Sys).Watch(filter, 2, "node-2", limit.Token).GetAsyncEnumerator(limit.Token);
        var none = others.MoveNextAsync();
        Notice(7);
        await Task.Delay(1_200);
        Assert.False(none.IsCompleted);
        await limit.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await none);

        void Notice(int i) => Sys.EventStream.Publish(new SupervisionNotice(SupervisionKind.BackedOff, $"/noticed/{i}", FailureCause.None, ""));
    }

    [Fact]
    public async Task The_hierarchy_is_the_real_tree_sorted_one_path_each()
    {
        Sys.ActorOf(Props.Create(() => new Parent(Directive.Stop)), "parent");
        await Sees(events => events.Count == 2, "/user/parent");
        Assert.Equal(["/user/parent", "/user/parent/child"], ActorTree.Read(Sys, "/user/parent", 0, out _));
        Assert.Equal(["/user/parent"], ActorTree.Read(Sys, "/user/parent/", 0, out _)!.Take(1));
        var users = ActorTree.Read(Sys, "/user", 1, out var isCut)!;
        Assert.Equal(users.Order(StringComparer.Ordinal), users);
        Assert.Contains("/user/supervision", users);
        Assert.DoesNotContain("/user/parent/child", users);
        Assert.False(isCut);
        Assert.Superset(new HashSet<string>(["/", "/user", "/user/parent/child", "/system/cluster"]), ActorTree.Read(Sys, "/", 0, out _)!.ToHashSet());
        Assert.Null(ActorTree.Read(Sys, "/user/nobody", 0, out _));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        folder.Delete(recursive: true);
    }

    /// <summary>Waits until the log's events of a path are as wanted.</summary>
    private async Task<IReadOnlyList<SupervisionEvent>> Sees(Func<IReadOnlyList<SupervisionEvent>, bool> wanted, string path)
    {
        IReadOnlyList<SupervisionEvent> events = [];
        await AwaitConditionAsync(
            async () => wanted(events = (await watch.Ask<SupervisionRead>(new ReadSupervisionTail(Capacity, new SupervisionFilter([], path)), Patience)).Events),
            Patience,
            TimeSpan.FromMilliseconds(50));
        return events;
    }

    private Task<IActorRef> Region(string type) => ClusterSharding.Get(Sys).StartAsync(
        type,
        id => Props.Create(() => new Failing(id)),
        ClusterShardingSettings.Create(Sys).WithSupervisorStrategy(new ObservedStrategy()),
        new ShardPerEntity(message => (message as ToEntity)?.Entity));

    /// <param name="Fail">What the entity throws; null for nothing.</param>
    private sealed record ToEntity(string Entity, string? Fail) : INoSerializationVerificationNeeded
    {
        public bool Ends { get; init; }

        public bool Idles { get; init; }
    }

    private sealed class Failing : JournaledActor
    {
        public Failing(string id)
            : base($"failing-{id}", "pool") => Command<ToEntity>(message =>
        {
            if (message.Idles) Passivate(PoisonPill.Instance);
            if (message.Fail is not { } words) return;
            var failure = new InvalidOperationException(words);
            if (!message.Ends) throw failure;
            StopBecause(failure);
        });
    }

    private sealed class Parent : ReceiveActor
    {
        private readonly Directive decision;

        public Parent(Directive decision)
        {
            this.decision = decision;
            var child = Context.ActorOf(Props.Create(() => new Child()), "child");
            Receive<string>(child.Forward);
        }

        protected override SupervisorStrategy SupervisorStrategy() => new ObservedStrategy(_ => decision);
    }

    private sealed class Child : ReceiveActor
    {
        public Child() => Receive<string>(words => throw new InvalidOperationException(words));
    }

    private sealed class Unborn : ReceiveActor
    {
        public Unborn() => throw new IOException("no such file");
    }

    private sealed class Placed : IShardAllocationStrategy
    {
        public IActorRef Chosen { get; set; } = ActorRefs.Nobody;

        public Task<IActorRef> AllocateShard(IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations) =>
            Task.FromResult(Chosen);

        public Task<IImmutableSet<string>> Rebalance(IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress) =>
            Task.FromResult(rebalanceInProgress);
    }
}
