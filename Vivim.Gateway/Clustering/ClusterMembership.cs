using Akka.Actor;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;

namespace Vivim.Gateway.Clustering;

/// <summary>How a node becomes a member of its operator's cluster.</summary>
internal static class ClusterMembership
{
    /// <summary>Every node has it.</summary>
    public const string NodeRole = "node";

    private static readonly TimeSpan JoinLimit = TimeSpan.FromSeconds(120);

    /// <summary>A member has it for each validator at home on it.</summary>
    public static string HomeRole(int validator) => $"validator-{validator}";

    /// <summary>Refuses settings of which half say that the node is one of a cluster: it would run the whole network by itself.</summary>
    /// <exception cref="StartException">There is no name, but an address or other nodes.</exception>
    public static void RequireWhole(ClusterSettings settings)
    {
        if (!settings.IsAlone) return;
        var stray = settings.SeedNodes.Count > 0 ? "seed-nodes" : settings.Address.Port > 0 ? "port" : settings.Tls is not null ? "tls" : null;
        if (stray is not null) throw new StartException($"vivim.cluster.{stray} is set, but vivim.cluster.name is not: name the node for a cluster; without a name it is on its own and opens no remoting port");
    }

    /// <summary>Joins; returns when the node is up.</summary>
    /// <param name="registry">Null for a node on its own, which joins itself.</param>
    /// <exception cref="StartException">No seed node let it in.</exception>
    public static async Task Join(ActorSystem system, ClusterSettings settings, NodeRegistry? registry, CancellationToken cancellation)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(JoinLimit);
        if (registry is null)
        {
            await cluster.JoinAsync(cluster.SelfAddress, limit.Token);
            return;
        }

        var seeds = settings.SeedNodes;
        // Only the first seed node founds a cluster. It must not while there is one, however slowly that answers.
        if (seeds[0] == settings.Address && await registry.OthersUp(cancellation) is { Count: > 0 } others) seeds = others;
        try
        {
            await cluster.JoinSeedNodesAsync(seeds.Select(seed => cluster.SelfAddress.WithHost(seed.Host).WithPort(seed.Port)), limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new StartException($"none of the seed nodes {string.Join(", ", seeds.Select(s => $"{s.Host}:{s.Port}"))} (vivim.cluster.seed-nodes) has let this node in within {JoinLimit.TotalSeconds:N0} s: see that the first of them runs and can be reached, and that all have the same network and TLS settings");
        }

        await registry.MarkUp(cancellation);
    }
}
