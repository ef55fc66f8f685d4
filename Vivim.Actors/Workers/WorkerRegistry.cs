namespace Vivim.Actors.Workers;

/// <summary>A kind of worker that exists.</summary>
/// <param name="Template">The configuration of each, but for the id.</param>
/// <param name="Partitions">How many there are in the cluster; 0 for one on every node, bound to it.</param>
/// <param name="Create">Makes what a worker of this configuration does, for one life.</param>
public sealed record WorkerType(WorkerConfig Template, int Partitions, Func<WorkerConfig, ServiceWorker> Create)
{
    public string Name => Template.WorkerType;

    public bool IsHostBound => Partitions == 0;
}

/// <summary>The types of workers that exist, checked: no name twice, dependencies that exist and can be met.</summary>
public sealed class WorkerRegistry
{
    private readonly Dictionary<string, WorkerType> types;

    /// <param name="host">The name of this node among the hosts of host-bound workers.</param>
    /// <exception cref="WorkerConfigException">A template is not possible.</exception>
    /// <exception cref="DependencyException">Dependencies cannot be met.</exception>
    /// <exception cref="ArgumentException">A name is there twice.</exception>
    public WorkerRegistry(string host, IReadOnlyList<WorkerType> types)
    {
        Host = host;
        foreach (var type in types) type.Template.Validate();
        this.types = types.ToDictionary(type => type.Name, StringComparer.Ordinal);
        Order = [.. StartOrder.Of(types.ToDictionary(type => type.Name, type => type.Template.Dependencies, StringComparer.Ordinal)).Select(name => this.types[name])];
    }

    public string Host { get; }

    /// <summary>The types, each after those it depends on.</summary>
    public IReadOnlyList<WorkerType> Order { get; }

    /// <summary>The ids of all workers, in the order of their types.</summary>
    /// <param name="hosts">The nodes that are there.</param>
    public IReadOnlyList<string> Ids(IReadOnlyList<string> hosts) => [.. Order.SelectMany(type => Ids(type, hosts))];

    /// <summary>The configuration of the worker with this id; null where there is none of such a type, or it has no such partition.</summary>
    public WorkerConfig? ConfigOf(string id)
    {
        if (TypeOf(id) is not { } type) return null;
        var isPartition = type.IsHostBound || (int.TryParse(PartitionOf(id), out var partition) && partition >= 0 && partition < type.Partitions && $"{type.Name}-{partition}" == id);
        return isPartition && PartitionOf(id).Length > 0 ? type.Template with { WorkerId = id } : null;
    }

    /// <summary>The node to which a worker is bound; null where it may run anywhere.</summary>
    public string? HostOf(string id) => TypeOf(id) is { IsHostBound: true } ? PartitionOf(id) : null;

    /// <summary>Makes what a worker does.</summary>
    public ServiceWorker Create(WorkerConfig config) => types[config.WorkerType].Create(config);

    /// <summary>The workers that must run before one starts: of a host-bound type the one on the same node.</summary>
    public IReadOnlyList<string> DependenciesOf(WorkerConfig config) => [.. config.Dependencies.SelectMany(name => Ids(types[name], [Host]))];

    private static string PartitionOf(string id) => id.IndexOf('-', StringComparison.Ordinal) is >= 0 and var dash ? id[(dash + 1)..] : "";

    private static IEnumerable<string> Ids(WorkerType type, IReadOnlyList<string> hosts) =>
        type.IsHostBound ? hosts.Select(host => $"{type.Name}-{host}") : Enumerable.Range(0, type.Partitions).Select(partition => $"{type.Name}-{partition}");

    private WorkerType? TypeOf(string id) => types.GetValueOrDefault(id.Split('-')[0]);
}
