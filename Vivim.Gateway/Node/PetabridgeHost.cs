using Akka.Actor;
using Petabridge.Cmd.Cluster;
using Petabridge.Cmd.Cluster.Sharding;
using Petabridge.Cmd.Host;
using Petabridge.Cmd.Remote;

namespace Vivim.Gateway.Node;

/// <summary>
/// Serves <c>pbm</c>, where the node is built with VivimPetabridgeCmd=true, at the address that akka.conf gives it: loopback, because it asks nobody who
/// they are.
/// </summary>
internal static class PetabridgeHost
{
    /// <summary>Listens until the actor system ends.</summary>
    public static void Start(ActorSystem system)
    {
        var host = PetabridgeCmd.Get(system);
        host.RegisterCommandPalette(ClusterCommands.Instance);
        host.RegisterCommandPalette(ClusterShardingCommands.Instance);
        host.RegisterCommandPalette(new RemoteCommands());
        host.Start();
    }
}
