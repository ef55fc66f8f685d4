using Akka.Actor;
using Akka.Cluster.Sharding;
using Vivim.Actors;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Actors;

/// <summary>Stop the entity of this key as a crash would: whatever it is at.</summary>
internal sealed record Crash(PublicKey Key) : INoSerializationVerificationNeeded;

/// <summary>Stands for a shard region: one entity per key, started by the first message after it is gone. While it stops, messages are lost.</summary>
internal sealed class EntityRegion : ReceiveActor
{
    /// <param name="keyOf">Whom a message of the region's own is for.</param>
    public EntityRegion(Func<object, PublicKey> keyOf, Func<PublicKey, Props> props)
    {
        Receive<Crash>(crash =>
        {
            if (Context.Child(crash.Key.ToString()) is { } child && !child.IsNobody()) Context.Stop(child);
        });
        // A shard would keep messages meanwhile.
        Receive<Passivate>(passivate => Sender.Tell(passivate.StopMessage));
        ReceiveAny(message =>
        {
            var key = message is IEntityMessage common ? new PublicKey(Convert.FromHexString(common.Entity)) : keyOf(message);
            var entity = Context.Child(key.ToString());
            if (entity.IsNobody()) entity = Context.ActorOf(props(key), key.ToString());
            entity.Forward(message);
        });
    }
}
