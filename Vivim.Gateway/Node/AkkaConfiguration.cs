using Akka.Cluster.Sharding;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;
using Vivim.Gateway.Clustering;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Workers;

namespace Vivim.Gateway.Node;

/// <summary>The actor system's configuration: akka.conf, remoting.conf, and what depends on the node's settings.</summary>
internal static class AkkaConfiguration
{
    /// <summary>For a node.</summary>
    public static Config Of(string logLevel, ClusterSettings cluster, NodeDatabase database)
    {
        var placed = ConfigurationFactory.ParseString($"akka.loglevel = {logLevel}").WithFallback(Place(cluster));
        return WithJournals(placed, Resource("akka.conf").WithFallback(Resource("remoting.conf")), database)
            .WithFallback(DistributedPubSub.DefaultConfig())
            .WithFallback(ClusterSingleton.DefaultConfig())
            .WithFallback(ClusterSharding.DefaultConfig());
    }

    /// <summary>For a system that has a node's journals and talks to nobody.</summary>
    public static Config OfJournals(NodeDatabase database)
    {
        var alone = ConfigurationFactory.ParseString("""
            akka.actor.provider = local
            akka.loglevel = ERROR
            akka.loggers = ["Akka.Event.DefaultLogger"]
            """);
        return WithJournals(alone, Resource("akka.conf"), database);
    }

    private static Config WithJournals(Config first, Config own, NodeDatabase database) =>
        NodeDatabase.JournalGroups.Aggregate(first, (config, group) => config.WithFallback(database.Journal(group, own))).WithFallback(own);

    private static Config Resource(string name)
    {
        using var resource = new StreamReader(typeof(AkkaConfiguration).Assembly.GetManifestResourceStream(name)!);
        return ConfigurationFactory.ParseString(resource.ReadToEnd());
    }

    private static Config Place(ClusterSettings cluster) => ConfigurationFactory.ParseString($$"""
        akka.remote {
          enabled-transports = ["akka.remote.{{(cluster.IsAlone ? "lone" : "cluster")}}"]
          cluster {
            hostname = "{{cluster.BindHost}}"
            public-hostname = "{{cluster.Address.Host}}"
            port = {{cluster.Address.Port}}
          }
        }
        akka.cluster {
          app-version = "{{NodeHost.Version.Split('+')[0]}}"
          roles = [{{string.Join(", ", Roles(cluster).Select(role => $"\"{role}\""))}}]
        }
        """);

    private static IEnumerable<string> Roles(ClusterSettings cluster) =>
        [ClusterMembership.NodeRole, NodeWorkers.HostRole(cluster), .. cluster.HomeOf.Select(ClusterMembership.HomeRole)];
}
