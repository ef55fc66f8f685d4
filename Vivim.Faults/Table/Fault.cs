using Vivim.Faults.Cluster;
using Vivim.Faults.Network;
using Vivim.Faults.Postgres;
using Vivim.Faults.Processes;

namespace Vivim.Faults.Table;

/// <summary>What a fault takes beside processes and signals.</summary>
internal enum FaultNeeds
{
    /// <summary>PostgreSQL, as every cluster.</summary>
    Database,

    /// <summary>Network namespaces and iptables.</summary>
    Network,

    /// <summary>Mounting a small disk.</summary>
    Root,
}

/// <summary>One thing that goes wrong, under load.</summary>
/// <param name="Number">By which it is chosen on the command line; "1" chooses 1a, 1b and so on.</param>
/// <param name="Name">What happens, in a few words.</param>
/// <param name="Make">Makes it happen and undoes it. Throws <see cref="FaultsException"/> when the cluster does not do what it must.</param>
internal sealed record Fault(string Number, string Name, FaultNeeds Needs, Func<FaultRun, Task> Make)
{
    public ClusterShape Shape { get; init; } = new();

    /// <summary>Why it cannot be made here; null when it can.</summary>
    public string? Missing => PostgresServer.Missing ?? Needs switch
    {
        FaultNeeds.Network => NamespaceNetwork.Missing,
        FaultNeeds.Root => SystemProgram.IsRoot ? null : "mounting a small disk needs root",
        _ => null,
    };

    public bool IsChosenBy(string number) => Number == number || Number.TrimEnd('a', 'b', 'c') == number;
}

/// <summary>What came of a fault.</summary>
/// <param name="PauseMs">The longest time without a new block while transactions were waiting.</param>
/// <param name="Failed">The cluster lost, doubled or contradicted something, did not recover, or did not do what the fault expects.</param>
/// <param name="Notes">What else was seen; of a fault that was skipped, why.</param>
internal sealed record FaultReport(string Fault, string Name, int Acknowledged, int Lost, int Duplicated, int Conflicting, long PauseMs, bool Failed, bool Skipped, IReadOnlyList<string> Notes);
