using Akka;
using Akka.Actor;
using Akka.Event;
using Vivim.Actors.Supervision;

namespace Vivim.Actors;

/// <summary>
/// Keeps sharded entities alive: tells each its wake message at once and then at an interval. The first one after a stop starts the entity
/// again, on this node or another, so the interval is also the back-off after a failure; the supervision stream is told of it. Remember-entities is
/// not used: it disables passivation and can leave a shard dead after a journal failure. When the node stops it ends before shards are handed over: what
/// it sent then would wait for places that are given to none, and hold up the stop.
/// </summary>
public sealed class EntityKeeper : ReceiveActor, IWithTimers
{
    private sealed class Tick : INotInfluenceReceiveTimeout, INoSerializationVerificationNeeded
    {
        public static readonly Tick Instance = new();
    }

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(2);

    private readonly TimeSpan interval;

    /// <param name="region">The shard region.</param>
    /// <param name="wakeMessages">One per entity.</param>
    public EntityKeeper(IActorRef region, IReadOnlyList<object> wakeMessages, TimeSpan interval)
    {
        Receive<Tick>(_ =>
        {
            foreach (var message in wakeMessages) region.Tell(message);
        });
        Receive<SupervisionRecorded>(recorded =>
        {
            var ended = recorded.Event;
            if (ended is not { Kind: SupervisionKind.Stopped, Cause.Exists: true, Entity.Length: > 0 } || ended.Region != region.Path.Name) return;
            Context.System.EventStream.Publish(new SupervisionNotice(SupervisionKind.BackedOff, ended.Path, ended.Cause, $"woken again within {interval.TotalMilliseconds:N0} ms"));
        });
        this.interval = interval;
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        var self = Self;
        CoordinatedShutdown.Get(Context.System).AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, $"{self.Path.Name}-ends", async () =>
        {
            await self.GracefulStop(StopLimit);
            return Done.Instance;
        });
        Context.System.EventStream.Subscribe<SupervisionRecorded>(Self);
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TimeSpan.Zero, interval);
    }

    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);
}
