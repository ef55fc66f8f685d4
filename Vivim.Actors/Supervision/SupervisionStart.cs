using Akka.Actor;
using Akka.Event;

namespace Vivim.Actors.Supervision;

/// <summary>Begins to watch a node's actors.</summary>
public static class SupervisionStart
{
    /// <summary>Makes the node's <see cref="SupervisionWatch"/>. What happens after this returns is seen, so it comes before all that is to be seen.</summary>
    /// <param name="log">The watch alone uses it from now on.</param>
    /// <param name="node">The node's name; its address where it is null.</param>
    public static IActorRef StartSupervision(this ActorSystem system, SupervisionLog log, SupervisionTally tally, string? node, TimeProvider clock)
    {
        var watch = system.ActorOf(Props.Create(() => new SupervisionWatch(log, tally, node, clock)), SupervisionWatch.Name);
        // Not by the actor itself, which starts some time later.
        foreach (var channel in (Type[])[typeof(IActorTelemetryEvent), typeof(ActorFailed), typeof(SupervisionNotice)]) system.EventStream.Subscribe(watch, channel);
        return watch;
    }
}
