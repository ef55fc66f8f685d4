using Akka.Actor;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Actors;

/// <summary>Stop the entity of this key as a crash would: whatever it is at.</summary>
internal sealed record Crash(PublicKey Key) : INoSerializationVerificationNeeded;

/// <summary>Stands for a shard region: one entity per key, started by the first message after it is gone. While it stops, messages are lost.</summary>
internal sealed class EntityRegion : ReceiveActor
{
    /// <param name="keyOf">Whom a message is for.</param>
    public EntityRegion(Func<object, PublicKey> keyOf, Func<PublicKey, Props> props)
    {
        Receive<Crash>(crash =>
        {
            if (Context.Child(crash.Key.ToString()) is { } child && !child.IsNobody()) Context.Stop(child);
        });
        ReceiveAny(message =>
        {
            var key = keyOf(message);
            var entity = Context.Child(key.ToString());
            if (entity.IsNobody()) entity = Context.ActorOf(props(key), key.ToString());
            entity.Forward(message);
        });
    }
}
