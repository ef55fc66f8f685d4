using Akka.Cluster.Sharding;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Configuration;
using Vivim.Gateway.Clustering;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Workers;

namespace Vivim.Gateway.Node;

/// <summary>The actor system's configuration: akka.conf, and what depends on the node's settings.</summary>
internal static class AkkaConfiguration
{
    public static Config Of(string logLevel, ClusterSettings cluster, NodeDatabase database)
    {
        using var resource = new StreamReader(typeof(AkkaConfiguration).Assembly.GetManifestResourceStream("akka.conf")!);
        var own = ConfigurationFactory.ParseString(resource.ReadToEnd());
        var placed = ConfigurationFactory.ParseString($"akka.loglevel = {logLevel}").WithFallback(Place(cluster));
        return NodeDatabase.JournalGroups.Aggregate(placed, (config, group) => config.WithFallback(database.Journal(group, own)))
            .WithFallback(own)
            .WithFallback(DistributedPubSub.DefaultConfig())
            .WithFallback(ClusterSharding.DefaultConfig());
    }

    private static Config Place(ClusterSettings cluster) => ConfigurationFactory.ParseString($$"""
        akka.remote.dot-netty.tcp {
          hostname = "{{cluster.BindHost}}"
          public-hostname = "{{cluster.Address.Host}}"
          port = {{cluster.Address.Port}}
          enable-ssl = {{(cluster.Tls is null ? "off" : "on")}}
        }
        akka.cluster {
          app-version = "{{NodeHost.Version.Split('+')[0]}}"
          roles = [{{string.Join(", ", cluster.HomeOf.Select(ClusterMembership.HomeRole).Prepend(NodeWorkers.HostRole(cluster)).Prepend(ClusterMembership.NodeRole).Select(role => $"\"{role}\""))}}]
        }
        """);
}
