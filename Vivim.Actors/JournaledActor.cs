using Akka.Actor;
using Akka.Event;
using Akka.Persistence;

namespace Vivim.Actors;

/// <summary>
/// A persistent actor as all of ours are: named, on a journal of its group, and stopped by a write that the journal refuses. A failed write stops
/// it anyway; either way it comes back by its keeper's next wake message and reads back what really is in the journal.
/// </summary>
public abstract class JournaledActor : ReceivePersistentActor
{
    /// <param name="persistenceId">Unique in the cluster, <c>kind-id</c>.</param>
    /// <param name="journal">The group's journal, e.g. <c>pool</c>.</param>
    protected JournaledActor(string persistenceId, string journal)
    {
        PersistenceId = persistenceId;
        JournalPluginId = $"vivim-journals.{journal}";
    }

    public override string PersistenceId { get; }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);
        Context.Stop(Self);
    }

    protected override void Unhandled(object message)
    {
        switch (message)
        {
            case DeleteMessagesSuccess:
                break;
            case DeleteMessagesFailure failure:
                Log.Warning("{0}: old events could not be deleted, the next deletion takes them along: {1}", PersistenceId, failure.Cause.Message);
                break;
            default:
                base.Unhandled(message);
                break;
        }
    }
}
