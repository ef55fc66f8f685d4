using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Vivim.Actors;
using Vivim.Actors.Messaging;
using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Chain.StateSync;
using Vivim.Gateway.Clustering;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;
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
    /// <param name="backups">Null where none are made: then there is no such worker.</param>
    public static WorkerRegistry RegistryOf(NodeSettings settings, IReadOnlyList<string> databases, IActorRef stateSync, NodeBackups? backups)
    {
        var types = new List<WorkerType>
        {
            new(settings.Gc.Config, 0, _ => new GcWorker(databases, settings.Gc.Schedule)),
            new(settings.StateSync.Config, 0, _ => new StateSyncWorker(stateSync)),
        };
        if (backups is not null) types.Add(new WorkerType(backups.Settings.Config, 0, _ => new BackupWorker(backups)));
        return new WorkerRegistry(settings.Cluster.NodeName, types);
    }

    /// <summary>Hosts workers from now on.</summary>
    public static async Task<NodeWorkers> Host(ActorSystem system, WorkerRegistry registry, TimeProvider clock)
    {
        var turns = system.ActorOf(Props.Create(() => new WorkerTurns(Math.Max(1, Environment.ProcessorCount - 1))), "worker-turns");
        var bus = new WorkerBus(system, clock);
        var settings = new WorkerSettings(registry, turns, bus, () => ClusterSharding.Get(system).ShardRegion(RegionName), clock, Random.Shared.NextDouble);
        var region = await ClusterSharding.Get(system).StartAsync(
            RegionName,
            id => PropsOf(id, settings),
            ClusterShardingSettings.Create(system).WithRole(ClusterMembership.NodeRole),
            new ShardPerEntity(message => message is IWorkerMessage worker ? worker.Worker : null),
            new HomeAllocation(Cluster.Get(system), id => registry.HostOf(id) is { } host ? HostRolePrefix + host : ""),
            new LeaveWorker());
        // Nobody but the node itself wakes what is bound to it; a type that is scaled wakes its workers itself.
        var wake = registry.Ids([registry.Host]).Concat(registry.Scalable).Select(object (id) => new WakeWorker(id)).ToList();
        system.ActorOf(Props.Create(() => new EntityKeeper(region, wake, KeepInterval)), "worker-keeper");
        return new NodeWorkers(system, registry, bus, region);
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
