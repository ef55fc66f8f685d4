using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using Akka.Persistence;
using Vivim.Actors.Supervision;

namespace Vivim.Actors;

/// <summary>
/// A persistent actor as all of ours are: named, on a journal of its group, and stopped by a write that the journal refuses. A failed write stops
/// it anyway; either way it comes back by its keeper's next wake message and reads back what really is in the journal. The supervision stream is
/// told why it ends. While it serves it answers <see cref="IEntityMessage"/>s, whatever it is.
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

    /// <summary>Of this incarnation and no other: what was begun in one may end in the next.</summary>
    protected string Life { get; } = Guid.NewGuid().ToString("n");

    /// <summary>At which this entity ends in order, as where it moves to another node.</summary>
    protected virtual object EndMessage => PoisonPill.Instance;

    /// <summary>How it is, in a sentence for people. Asked for while it serves.</summary>
    protected virtual string Describe() => "";

    /// <summary>Ends this actor because of a failure; whoever keeps it starts it again.</summary>
    protected void StopBecause(Exception cause)
    {
        TellEnd(cause);
        Context.Stop(Self);
    }

    /// <summary>Asks the shard to stop this idle entity until somebody wants it; messages for it wait meanwhile.</summary>
    /// <param name="stopMessage">What this entity stops itself at.</param>
    /// <param name="why">In words; may be empty.</param>
    protected void Passivate(object stopMessage, string why = "")
    {
        Context.System.EventStream.Publish(new SupervisionNotice(SupervisionKind.Passivated, Self.Path.ToStringWithoutAddress(), FailureCause.None, why));
        Context.Parent.Tell(new Passivate(stopMessage));
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        TellEnd(cause);
        base.OnPersistFailure(cause, @event, sequenceNr);
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);
        StopBecause(cause);
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null)
    {
        TellEnd(reason);
        base.OnRecoveryFailure(reason, message);
    }

    protected override void Unhandled(object message)
    {
        switch (message)
        {
            case DeleteMessagesSuccess:
                break;
            case CheckEntity:
                Sender.Tell(new EntityStatus(Life, Describe()));
                break;
            case RestartEntity restart:
                Log.Info("{0} restarts {1}", restart.By, PersistenceId);
                Passivate(EndMessage, $"restarted by {restart.By}");
                break;
            case CrashEntity crash:
                throw new CrashedOnPurposeException(crash.By);
            case DeleteMessagesFailure failure:
                Log.Warning("{0}: old events could not be deleted, the next deletion takes them along: {1}", PersistenceId, failure.Cause.Message);
                break;
            default:
                base.Unhandled(message);
                break;
        }
    }

    private void TellEnd(Exception cause) => Context.System.EventStream.Publish(new ActorFailed(Self, cause, Directive.Stop));
}
