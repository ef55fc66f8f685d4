using Akka.Actor;
using Akka.Persistence;

namespace Vivim.Actors;

/// <summary>
/// A persistent actor that stops when its journal refuses an event, as the runtime stops it when a write fails (DESIGN §8). Its memory holds
/// what the journal does not; whoever keeps it starts it again from the journal.
/// </summary>
public abstract class DurableActor : ReceivePersistentActor
{
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);
        Context.Stop(Self);
    }
}
