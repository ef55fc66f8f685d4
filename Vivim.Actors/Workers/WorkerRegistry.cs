namespace Vivim.Actors.Workers;

/// <summary>A kind of worker that exists.</summary>
/// <param name="Template">The configuration of each, but for the id.</param>
/// <param name="Partitions">How many there are in the cluster; 0 for one on every node, bound to it.</param>
/// <param name="Create">Makes what a worker of this configuration does, for one life.</param>
public sealed record WorkerType(WorkerConfig Template, int Partitions, Func<WorkerConfig, ServiceWorker> Create)
{
    public string Name => Template.WorkerType;

    public bool IsHostBound => Partitions == 0;

    /// <summary>The number of the first partition; 0 for a type that is scaled.</summary>
    public int FirstPartition { get; init; }

    /// <summary>The role of the member on which the worker of a partition runs while that is up; null where it runs on any.</summary>
    public Func<int, string>? HomeOf { get; init; }

    /// <summary>Within which bounds the load, or an operator, says how many of the partitions there are; null for all of them, always.</summary>
    public ScaleLimits? Scale { get; init; }
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
        foreach (var type in types)
        {
            type.Template.Validate();
            type.Scale?.Validate();
            if (type.Scale is { } scale && scale.Most != type.Partitions) throw new WorkerConfigException(nameof(WorkerType.Partitions), $"{type.Partitions}", $"{scale.Most}, as it is scaled");
            if (type.Scale is not null && type.FirstPartition != 0) throw new WorkerConfigException(nameof(WorkerType.FirstPartition), $"{type.FirstPartition}", "0, as it is scaled");
        }

        this.types = types.ToDictionary(type => type.Name, StringComparer.Ordinal);
        Order = [.. StartOrder.Of(types.ToDictionary(type => type.Name, type => type.Template.Dependencies, StringComparer.Ordinal)).Select(name => this.types[name])];
    }

    public string Host { get; }

    /// <summary>The types, each after those it depends on.</summary>
    public IReadOnlyList<WorkerType> Order { get; }

    /// <summary>The ids of all workers whose number is fixed, in the order of their types.</summary>
    /// <param name="hosts">The nodes that are there.</param>
    public IReadOnlyList<string> Ids(IReadOnlyList<string> hosts) => [.. Order.Where(type => type.Scale is null).SelectMany(type => Ids(type, hosts))];

    /// <summary>The types that grow and shrink.</summary>
    public IEnumerable<string> Scalable => Order.Where(type => type.Scale is not null).Select(type => type.Name);

    /// <summary>The bounds of a type that grows and shrinks; null where it does not, or there is none.</summary>
    public ScaleLimits? ScaleOf(string type) => types.GetValueOrDefault(type)?.Scale;

    /// <summary>The configuration of the worker with this id; null where there is none of such a type, or it has no such partition.</summary>
    public WorkerConfig? ConfigOf(string id)
    {
        if (TypeOf(id) is not { } type) return null;
        var exists = type.IsHostBound ? PartitionOf(id).Length > 0 : NumberOf(type, id) is not null;
        return exists ? type.Template with { WorkerId = id } : null;
    }

    /// <summary>The node to which a worker is bound; null where it may run anywhere.</summary>
    public string? HostOf(string id) => TypeOf(id) is { IsHostBound: true } ? PartitionOf(id) : null;

    /// <summary>The role of the member on which a worker runs while that is up; empty where it may run anywhere.</summary>
    /// <param name="hostRole">The role of a node to which workers are bound, by its name.</param>
    public string HomeOf(string id, Func<string, string> hostRole) =>
        HostOf(id) is { } host ? hostRole(host) : TypeOf(id) is { HomeOf: { } home } type && NumberOf(type, id) is { } partition ? home(partition) : "";

    /// <summary>Makes what a worker does.</summary>
    public ServiceWorker Create(WorkerConfig config) => types[config.WorkerType].Create(config);

    /// <summary>The workers that must run before one starts: of a host-bound type the one on the same node, of a scalable one those it always has.</summary>
    public IReadOnlyList<string> DependenciesOf(WorkerConfig config) => [.. config.Dependencies.SelectMany(name => Ids(types[name], [Host]))];

    private static string PartitionOf(string id) => id.IndexOf('-', StringComparison.Ordinal) is >= 0 and var dash ? id[(dash + 1)..] : "";

    /// <summary>The number of a worker's partition; null where its type has no such partition, or none at all.</summary>
    private static int? NumberOf(WorkerType type, string id) =>
        int.TryParse(PartitionOf(id), out var partition) && partition >= type.FirstPartition && partition < type.FirstPartition + type.Partitions && $"{type.Name}-{partition}" == id ? partition : null;

    private static IEnumerable<string> Ids(WorkerType type, IReadOnlyList<string> hosts) =>
        type.IsHostBound ? hosts.Select(host => $"{type.Name}-{host}") : Enumerable.Range(type.FirstPartition, type.Scale?.Least ?? type.Partitions).Select(partition => $"{type.Name}-{partition}");

    private WorkerType? TypeOf(string id) => types.GetValueOrDefault(id.Split('-')[0]);
}
