using Akka.Actor;
using Akka.Cluster;
using Vivim.Chain.Consensus;

namespace Vivim.Chain.Sync;

/// <summary>
/// Carries block synchronisation between the nodes of one cluster, each of which has its own chain. A peer's id is its remoting address.
/// </summary>
public sealed class ClusterPeers : ReceiveActor
{
    private readonly Cluster cluster = Cluster.Get(Context.System);

    public ClusterPeers()
    {
        Receive<SyncOutgoing>(outgoing =>
        {
            var message = new SyncReceived(new PeerId(cluster.SelfAddress.ToString()), outgoing.Message);
            foreach (var member in cluster.State.Members.Where(member => IsAddressed(member, outgoing.To)))
                Context.System.ActorSelection(new RootActorPath(member.Address) / "user" / SyncActor.Name).Tell(message, ActorRefs.NoSender);
        });
        // Validators beyond this cluster cannot be reached: a node without a transport has no other operators' nodes to talk to.
        Receive<OutgoingMessage>(_ => { });
    }

    /// <summary>Who has asked is answered at once: it can know that it is up before this node has heard of it, and would go without this node's answer.</summary>
    private bool IsAddressed(Member member, PeerId? to) => member.Address != cluster.SelfAddress && (to is null
        ? member.Status is MemberStatus.Up or MemberStatus.Leaving
        : to.Value.Value == member.Address.ToString() && member.Status is MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up or MemberStatus.Leaving);
}
