using Akka.Actor;
using Akka.Cluster.Sharding;
using Vivim.Actors;
using Vivim.Actors.Supervision;
using Vivim.Chain.BlockMaking;
using Vivim.Chain.Consensus;
using Vivim.Chain.Pool;
using Vivim.Gateway.Clustering;
using Vivim.Gateway.Configuration;
using Vivim.Protocol.Keys;

namespace Vivim.Gateway.Node;

/// <summary>The sharded entities of the chain, of which each node of a cluster hosts its part, and their keepers.</summary>
internal static class NodeEntities
{
    /// <summary>The shard region of <see cref="PoolPartition"/>.</summary>
    public const string PoolRegion = "pool";

    /// <summary>The shard region of <see cref="BlockMaker"/>.</summary>
    public const string BlockMakerRegion = "block-makers";

    private static readonly TimeSpan KeepInterval = TimeSpan.FromSeconds(1);

    /// <summary>To count costs the pool nothing, so that it is asked again soon; a start waits for it while partitions move.</summary>
    private static readonly TimeSpan CountPatience = TimeSpan.FromSeconds(1);

    private static readonly ShardPerEntity PoolShards = new(message => message is IPoolMessage pool ? pool.Partition.ToString() : null);

    /// <summary>How long the entities may take to answer first.</summary>
    public static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(120);

    /// <summary>Reaches the pool where other nodes host it.</summary>
    public static Task<IActorRef> ReachPool(ActorSystem system) =>
        ClusterSharding.Get(system).StartProxyAsync(PoolRegion, ClusterMembership.NodeRole, PoolShards);

    /// <summary>Hosts partitions of the pool; returns when all, here and elsewhere, have answered.</summary>
    /// <exception cref="AskTimeoutException">One has not.</exception>
    public static async Task<IActorRef> HostPool(ActorSystem system, PoolSettings settings, CancellationToken cancellation)
    {
        var region = await ClusterSharding.Get(system).StartAsync(
            PoolRegion,
            id => Props.Create(() => new PoolPartition(int.Parse(id), settings)),
            Settings(system),
            PoolShards,
            new ObservedAllocation(PoolRegion, ShardAllocationStrategy.LeastShardAllocationStrategy(absoluteLimit: 2, relativeLimit: 0.5), system),
            new LeavePartition());
        await Task.WhenAll(Enumerable.Range(0, PoolPartitions.Count).Select(partition => region.AskPool<PendingCount>(new CountPending(partition), StartLimit, cancellation, CountPatience)));
        var wake = Enumerable.Range(0, PoolPartitions.Count).Select(object (partition) => new WakePartition(partition)).ToList();
        system.ActorOf(Props.Create(() => new EntityKeeper(region, wake, KeepInterval)), "pool-keeper");
        return region;
    }

    /// <summary>Hosts validators, each with its block maker, at home on the node that has their number's role.</summary>
    /// <param name="keys">The validators' keys, by number.</param>
    public static async Task HostValidators(ActorSystem system, IReadOnlyList<SigningKey> keys, ISignerStore signers, IActorRef ledger, IActorRef pool, IActorRef peers, NodeSettings settings, TimeProvider clock)
    {
        var byKey = keys.ToDictionary(key => key.PublicKey);
        var roles = keys.Select((key, index) => (Shard: key.PublicKey.ToString(), Role: ClusterMembership.HomeRole(index + 1))).ToDictionary(home => home.Shard, home => home.Role, StringComparer.Ordinal);
        var homes = new HomeAllocation(Akka.Cluster.Cluster.Get(system), shard => roles.GetValueOrDefault(shard, ""));
        var makerSettings = new BlockMakerSettings(ledger, pool, settings.ReapDeadline);
        var makers = await ClusterSharding.Get(system).StartAsync(
            BlockMakerRegion,
            id => Props.Create(() => new BlockMaker(KeyOf(id), makerSettings)),
            Settings(system),
            new ShardPerEntity(message => message is IBlockMakingMessage making ? making.Validator.ToString() : null),
            new ObservedAllocation(BlockMakerRegion, homes, system),
            PoisonPill.Instance);
        var delivery = system.ActorOf(Props.Create(() => new ValidatorDelivery(byKey.Keys.ToHashSet(), peers)), "delivery");
        var validatorSettings = new ValidatorSettings(ledger, makers, delivery, signers, settings.Timeouts, clock);
        var validators = await ClusterSharding.Get(system).StartAsync(
            ValidatorDelivery.Region,
            id => Props.Create(() => new ValidatorActor(byKey[KeyOf(id)], validatorSettings)).WithDispatcher(ValidatorActor.Dispatcher),
            Settings(system),
            new ShardPerEntity(message => message is IValidatorMessage wake ? wake.Validator.ToString() : null),
            new ObservedAllocation(ValidatorDelivery.Region, homes, system),
            new LeaveNode());
        var wake = keys.Select(object (key) => new WakeValidator(key.PublicKey)).ToList();
        system.ActorOf(Props.Create(() => new EntityKeeper(validators, wake, KeepInterval)), "validator-keeper");
        // A node without validators commits what others decide; it is not its fault when they do not.
        if (keys.Count > 0) system.ActorOf(Props.Create(() => new StallWatch(settings.StallLimit)), "stall-watch");
    }

    private static PublicKey KeyOf(string entityId) => new(Convert.FromHexString(entityId));

    private static ClusterShardingSettings Settings(ActorSystem system) => ClusterShardingSettings.Create(system).WithRole(ClusterMembership.NodeRole).WithSupervisorStrategy(new ObservedStrategy());
}
