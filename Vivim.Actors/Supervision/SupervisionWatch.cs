using Akka.Actor;
using Akka.Cluster;
using Akka.Event;

namespace Vivim.Actors.Supervision;

/// <summary>
/// Keeps the node's <see cref="SupervisionLog"/>. It hears of starts, stops and restarts from the actor cells themselves
/// (akka.actor.telemetry.enabled), of failures from <see cref="ObservedStrategy"/> and from actors that end themselves, of members from the
/// cluster, and of the rest by <see cref="SupervisionNotice"/>. Started by <see cref="SupervisionStart"/>.
/// </summary>
public sealed class SupervisionWatch : ReceiveActor
{
    /// <summary>The actor's name under /user, by which other nodes find it.</summary>
    public const string Name = "supervision";

    /// <summary>Failures whose stop is still to come. More at once only lose their cause.</summary>
    private const int MaxPending = 1_024;

    private readonly Cluster cluster = Cluster.Get(Context.System);
    private readonly Dictionary<IActorRef, Exception> pending = [];
    private readonly SupervisionLog log;
    private readonly SupervisionTally tally;
    private readonly string node;
    private readonly TimeProvider clock;

    /// <param name="log">Outlives a restart of the actor, which alone uses it.</param>
    /// <param name="node">The node's name; its address where it is null.</param>
    public SupervisionWatch(SupervisionLog log, SupervisionTally tally, string? node, TimeProvider clock)
    {
        this.log = log;
        this.tally = tally;
        this.node = node ?? cluster.SelfAddress.ToString();
        this.clock = clock;
        Receive<ActorStarted>(started => RecordLasting(SupervisionKind.Started, started.Subject, FailureCause.None));
        Receive<ActorRestarted>(restarted =>
        {
            pending.Remove(restarted.Subject);
            Record(SupervisionKind.Restarted, PathOf(restarted.Subject), CauseOf(restarted.Reason));
        });
        Receive<ActorStopped>(stopped =>
        {
            pending.Remove(stopped.Subject, out var cause);
            RecordLasting(SupervisionKind.Stopped, stopped.Subject, CauseOf(cause));
        });
        Receive<ActorFailed>(OnFailed);
        Receive<SupervisionNotice>(notice => Record(notice.Kind, notice.Path, notice.Cause, notice.Detail));
        Receive<ClusterEvent.IMemberEvent>(OnMember);
        Receive<ClusterEvent.UnreachableMember>(unreachable => Record(SupervisionKind.Unreachable, unreachable.Member.Address.ToString(), FailureCause.None));
        Receive<ClusterEvent.ReachableMember>(reachable => Record(SupervisionKind.Reachable, reachable.Member.Address.ToString(), FailureCause.None));
        Receive<ReadSupervision>(read => Answer(log.Read(read.Incarnation == Incarnation ? read.After : 0, ReadSupervision.PageSize, read.Filter)));
        Receive<ReadSupervisionTail>(tail => Answer(log.Tail(Math.Clamp(tail.Count, 0, ReadSupervisionTail.MaxCount), tail.Filter)));
    }

    private int Incarnation => cluster.SelfUniqueAddress.Uid;

    protected override void PreStart() =>
        cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.IReachabilityEvent));

    protected override void PostStop() => cluster.Unsubscribe(Self);

    /// <summary>Why an actor could not start is what its constructor threw.</summary>
    private static FailureCause CauseOf(Exception? exception) => FailureCause.Of((exception as ActorInitializationException)?.InnerException ?? exception);

    private static string PathOf(IActorRef actor) => actor.Path.ToStringWithoutAddress();

    private void OnFailed(ActorFailed failed)
    {
        switch (failed.Then)
        {
            case Directive.Escalate:
                Record(SupervisionKind.Escalated, PathOf(failed.Actor), CauseOf(failed.Cause));
                break;
            case Directive.Resume:
                Record(SupervisionKind.Resumed, PathOf(failed.Actor), CauseOf(failed.Cause));
                break;
            default:
                // What comes of it the actor's cell tells: a restart, or a stop, which does not know why.
                if (pending.Count < MaxPending) pending[failed.Actor] = failed.Cause;
                break;
        }
    }

    private void OnMember(ClusterEvent.IMemberEvent changed)
    {
        SupervisionKind? kind = changed switch
        {
            ClusterEvent.MemberUp => SupervisionKind.MemberUp,
            ClusterEvent.MemberDowned => SupervisionKind.Down,
            ClusterEvent.MemberRemoved => SupervisionKind.MemberRemoved,
            _ => null,
        };
        if (kind is { } known) Record(known, changed.Member.Address.ToString(), FailureCause.None);
    }

    private void RecordLasting(SupervisionKind kind, IActorRef actor, FailureCause cause)
    {
        var path = PathOf(actor);
        if (cause.Exists || SupervisedPath.IsLasting(path)) Record(kind, path, cause);
    }

    private void Record(SupervisionKind kind, string path, FailureCause cause, string detail = "")
    {
        var recorded = log.Append(SupervisionEvent.Of(kind, clock.GetUtcNow().ToUnixTimeMilliseconds(), path, cause, detail));
        tally.Count(kind);
        Context.System.EventStream.Publish(new SupervisionRecorded(recorded));
    }

    private void Answer(SupervisionPage page) => Sender.Tell(new SupervisionRead(node, cluster.SelfAddress.ToString(), Incarnation, page.Next, page.Lost, page.Events));
}
