using Akka.Actor;
using Akka.Cluster.Sharding;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>Delivers what validators say: to those of the own cluster by their shard region, to all others by the node's peers.</summary>
public sealed class ValidatorDelivery : ReceiveActor
{
    /// <summary>The shard region of <see cref="ValidatorActor"/>.</summary>
    public const string Region = "validators";

    private IActorRef? region;

    /// <param name="own">The validators that run in this cluster.</param>
    /// <param name="peers">Takes <see cref="OutgoingMessage"/> for the others.</param>
    public ValidatorDelivery(IReadOnlySet<PublicKey> own, IActorRef peers) => Receive<OutgoingMessage>(outgoing =>
    {
        // Made before the region is, since validators are given this actor.
        region ??= ClusterSharding.Get(Context.System).ShardRegion(Region);
        foreach (var to in outgoing.To.Where(own.Contains)) region.Tell(new DeliverMessage(to, outgoing.From, outgoing.Message), ActorRefs.NoSender);
        var foreign = outgoing.To.Where(to => !own.Contains(to)).ToList();
        if (foreign.Count > 0) peers.Tell(outgoing with { To = foreign });
    });
}
