using Akka.Actor;
using Akka.Cluster.Sharding;
using Vivim.Actors;
using Vivim.Actors.Supervision;

namespace Vivim.Tests.Actors;

/// <summary>Two members of a cluster: what a watcher at one of them hears.</summary>
[Collection(ActorTests.Collection)]
public sealed class SupervisionOfTwoNodesTests : IAsyncLifetime
{
    /// <summary>One that a node has: other nodes find the coordinator of no other.</summary>
    private const string Region = "workers";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly Members members = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => members.EndAsync();

    [Fact]
    public async Task A_watcher_hears_of_every_node_of_shards_that_move_and_of_members_that_come_and_go()
    {
        var first = await Join("node-1");
        var region = await Host(first);
        for (var i = 0; i < 4; i++) region.Tell(new ToWanderer($"{i}"), ActorRefs.NoSender);

        using var limit = new CancellationTokenSource(Patience);
        var heard = new List<SupervisionItem>();
        await using var items = new SupervisionFeed(first).Watch(SupervisionFilter.All, 100, null, limit.Token).GetAsyncEnumerator(limit.Token);
        await Hear("node-1", e => e.Kind == SupervisionKind.Started && e.Entity == "3");

        var second = await Join("node-2");
        var (home, address) = (AddressOf(first), AddressOf(second));
        await Hear("node-1", e => e.Kind == SupervisionKind.MemberUp && e.Path == address);
        await Hear("node-2", e => e.Kind == SupervisionKind.Started && e.Path == "/user/supervision");
        await Host(second);
        var moved = await Hear("node-1", e => e.Kind == SupervisionKind.Rebalanced);
        Assert.Equal((Region, $"from {home} to {address}"), (moved.Region, moved.Detail));
        await Hear("node-2", e => e.Kind == SupervisionKind.Started && e.Path == moved.Path);
        await Hear("node-1", e => e.Kind == SupervisionKind.Stopped && e.Path == moved.Path);

        // What only the other node knows, asked for by its name and from before.
        await using (var other = new SupervisionFeed(first).Watch(new SupervisionFilter([SupervisionKind.Started], moved.Path), 10, "node-2", limit.Token).GetAsyncEnumerator(limit.Token))
        {
            Assert.True(await other.MoveNextAsync());
            Assert.Equal(("node-2", address, moved.Path), (other.Current.Node, other.Current.Address, other.Current.Event!.Path));
        }

        await Akka.Cluster.Cluster.Get(second).LeaveAsync(limit.Token);
        await Hear("node-1", e => e.Kind == SupervisionKind.MemberRemoved && e.Path == address);
        Assert.All(heard, item => Assert.Equal(0UL, item.Lost));
        Assert.All(heard.GroupBy(item => item.Node), node => Assert.Equal(Enumerable.Range(1, node.Count()).Select(i => (ulong)i), node.Select(item => item.Event!.Sequence)));

        async Task<SupervisionEvent> Hear(string node, Func<SupervisionEvent, bool> wanted)
        {
            while (heard.FirstOrDefault(item => item.Node == node && wanted(item.Event!)) is null)
            {
                Assert.True(await items.MoveNextAsync());
                heard.Add(items.Current);
            }

            return heard.First(item => item.Node == node && wanted(item.Event!)).Event!;
        }
    }

    private static string AddressOf(ActorSystem system) => Akka.Cluster.Cluster.Get(system).SelfAddress.ToString();

    private static Task<IActorRef> Host(ActorSystem system) => ClusterSharding.Get(system).StartAsync(
        Region,
        _ => Props.Create(() => new Wanderer()),
        ClusterShardingSettings.Create(system).WithSupervisorStrategy(new ObservedStrategy()),
        new ShardPerEntity(message => (message as ToWanderer)?.Entity),
        new ObservedAllocation(Region, ShardAllocationStrategy.LeastShardAllocationStrategy(absoluteLimit: 1, relativeLimit: 0.5), system),
        PoisonPill.Instance);

    private Task<ActorSystem> Join(string name) =>
        members.JoinAsync(name, "akka.cluster.sharding.rebalance-interval = 1s", system => system.StartSupervision(new SupervisionLog(1_000), new SupervisionTally(), name, TimeProvider.System));

    private sealed record ToWanderer(string Entity) : INoSerializationVerificationNeeded;

    private sealed class Wanderer : ReceiveActor
    {
        public Wanderer() => Receive<ToWanderer>(_ => { });
    }
}
