using System.Globalization;
using Akka;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Vivim.Actors;
using Vivim.Actors.Messaging;
using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Chain.Consensus;
using Vivim.Chain.Pool;
using Vivim.Chain.StateSync;
using Vivim.Gateway.Clustering;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;
using Vivim.Protocol.Keys;
using ClusterSettings = Vivim.Gateway.Configuration.ClusterSettings;

namespace Vivim.Gateway.Workers;

/// <summary>The service workers: the types that this version has, and those of them that this node hosts.</summary>
internal sealed class NodeWorkers
{
    private const string RegionName = "workers";
    private const string HostRolePrefix = "host-";

    /// <summary>Also the pause before a worker is back whose actor has ended.</summary>
    private static readonly TimeSpan KeepInterval = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ScaleAnswerLimit = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan PlaceLimit = TimeSpan.FromSeconds(2);

    private readonly ActorSystem system;

    private NodeWorkers(ActorSystem system, WorkerRegistry registry, WorkerBus bus, IActorRef region)
    {
        this.system = system;
        Bus = bus;
        Registry = registry;
        Region = region;
    }

    public WorkerRegistry Registry { get; }

    /// <summary>On which workers, and the node itself, talk.</summary>
    public WorkerBus Bus { get; }

    /// <summary>Reaches every worker of the cluster.</summary>
    public IActorRef Region { get; }

    /// <summary>The ids of all workers that should be there; of a type whose scale does not answer, none.</summary>
    public async Task<IReadOnlyList<string>> Ids(CancellationToken cancellationToken)
    {
        var scaled = await Task.WhenAll(Registry.Scalable.Select(async type =>
        {
            try
            {
                return (await Region.Ask<ScaleReport>(new ReadScale(type), ScaleAnswerLimit, cancellationToken)).Workers(type);
            }
            catch (AskTimeoutException)
            {
                return [];
            }
        }));
        return [.. Registry.Ids(Hosts()), .. scaled.SelectMany(ids => ids)];
    }

    /// <summary>The role of a member by which host-bound workers find it.</summary>
    public static string HostRole(ClusterSettings cluster) => HostRolePrefix + cluster.NodeName;

    /// <summary>The types that exist.</summary>
    /// <param name="databases">The node's SQLite files.</param>
    /// <param name="stateSync">The node's <see cref="StateSyncActor"/>.</param>
    /// <param name="validators">The validators' keys, by number. Without any there are no workers of validators and block makers.</param>
    /// <param name="backups">Null where none are made: then there is no such worker.</param>
    public static WorkerRegistry RegistryOf(NodeSettings settings, IReadOnlyList<string> databases, ActorSystem system, IActorRef stateSync, IReadOnlyList<SigningKey> validators, NodeBackups? backups)
    {
        var types = new List<WorkerType>
        {
            new(settings.Gc.Config, 0, _ => new GcWorker(databases, settings.Gc.Schedule)),
            new(settings.StateSync.Config, 0, _ => new StateSyncWorker(stateSync)),
        };
        types.AddRange(ChainTypes(settings.ChainWorkers, system, [.. validators.Select(key => key.PublicKey)]));
        if (backups is not null) types.Add(new WorkerType(backups.Settings.Config, 0, _ => new BackupWorker(backups)));
        return new WorkerRegistry(settings.Cluster.NodeName, types);
    }

    /// <summary>Hosts workers from now on.</summary>
    public static async Task<NodeWorkers> Host(ActorSystem system, WorkerRegistry registry, TimeProvider clock)
    {
        var turns = system.ActorOf(Props.Create(() => new WorkerTurns(Math.Max(1, Environment.ProcessorCount - 1))), "worker-turns");
        var bus = new WorkerBus(system, clock);
        var settings = new WorkerSettings(registry, turns, bus, () => RegionOf(system, RegionName), clock, Random.Shared.NextDouble);
        var region = await ClusterSharding.Get(system).StartAsync(
            RegionName,
            id => PropsOf(id, settings),
            ClusterShardingSettings.Create(system).WithRole(ClusterMembership.NodeRole),
            new ShardPerEntity(message => message is IWorkerMessage worker ? worker.Worker : null),
            new HomeAllocation(Cluster.Get(system), id => registry.HomeOf(id, host => HostRolePrefix + host)),
            new LeaveWorker());
        // Nobody but the node itself wakes what is bound to it; a type that is scaled wakes its workers itself.
        var ids = registry.Ids([registry.Host]);
        var wake = ids.Concat(registry.Scalable).Select(object (id) => new WakeWorker(id)).ToList();
        system.ActorOf(Props.Create(() => new EntityKeeper(region, wake, KeepInterval)), "worker-keeper");
        CoordinatedShutdown.Get(system).AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "workers-placed", () => Placed(region, ids));
        return new NodeWorkers(system, registry, bus, region);
    }

    /// <summary>
    /// A shard region, for as long as the node does not stop. What is sent while shards are handed over waits in the region for a place that is given
    /// to no shard any more, and holds up the stop until the phase of shards is over.
    /// </summary>
    private static IActorRef RegionOf(ActorSystem system, string name) =>
        CoordinatedShutdown.Get(system).ShutdownReason is null ? ClusterSharding.Get(system).ShardRegion(name) : system.DeadLetters;

    /// <summary>Ends when every worker has answered, or soon: the first wake messages of a node that stops at once have found their places then.</summary>
    private static async Task<Done> Placed(IActorRef region, IReadOnlyList<string> ids)
    {
        await Task.WhenAll(ids.Select(async id =>
        {
            try
            {
                await region.Ask<WorkerReport>(new ReadWorker(id), PlaceLimit);
            }
            catch (AskTimeoutException)
            {
                // Its node may be gone.
            }
        }));
        return Done.Instance;
    }

    /// <summary>A worker for each of the chain's entities: partitions are numbered from 0, validators from 1 as their keys and homes are.</summary>
    private static IEnumerable<WorkerType> ChainTypes(ChainWorkerSettings configs, ActorSystem system, IReadOnlyList<PublicKey> validators)
    {
        yield return new WorkerType(configs.Pool, PoolPartitions.Count, config => Looking(config, NodeEntities.PoolRegion, number => $"{number}", "pool partition"));
        if (validators.Count == 0) yield break;
        yield return new WorkerType(configs.BlockMaker with { Dependencies = [ChainWorker.Pool] }, validators.Count, config => Looking(config, NodeEntities.BlockMakerRegion, KeyOf, "block maker"))
        {
            FirstPartition = 1,
            HomeOf = ClusterMembership.HomeRole,
        };
        yield return new WorkerType(configs.Validator with { Dependencies = [ChainWorker.BlockMaker] }, validators.Count, config => Looking(config, ValidatorDelivery.Region, KeyOf, "validator"))
        {
            FirstPartition = 1,
            HomeOf = ClusterMembership.HomeRole,
        };

        string KeyOf(int number) => validators[number - 1].ToString();

        ChainWorker Looking(WorkerConfig config, string region, Func<int, string> entityOf, string kind)
        {
            var number = int.Parse(config.WorkerId[(config.WorkerType.Length + 1)..], CultureInfo.InvariantCulture);
            // The region is there before any worker runs, but not yet when types are made.
            return new ChainWorker(() => new ChainEntity(RegionOf(system, region), entityOf(number), $"{kind} {number}"));
        }
    }

    private static Props PropsOf(string id, WorkerSettings settings)
    {
        if (settings.Registry.ScaleOf(id) is not null) return Props.Create(() => new WorkerScale(id, settings));
        if (settings.Registry.HostOf(id) is { } host && host != settings.Registry.Host) return Props.Create(() => new AwayWorker(id, host));
        return Props.Create(() => new WorkerActor(id, settings));
    }

    /// <summary>The nodes that are there.</summary>
    private List<string> Hosts() => [.. Cluster.Get(system).State.Members.Where(member => member.Status == MemberStatus.Up).SelectMany(member => member.Roles)
        .Where(role => role.StartsWith(HostRolePrefix, StringComparison.Ordinal)).Select(role => role[HostRolePrefix.Length..]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
