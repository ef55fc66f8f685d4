using Akka.Actor;
using Akka.Event;
using Vivim.Chain.Ledger;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>
/// Ends a node that commits nothing for too long, with the last that its validators said of themselves: a node that hangs is started again by
/// whoever supervises it, and an operator reads why.
/// </summary>
public sealed class StallWatch : ReceiveActor, IWithTimers
{
    private readonly TimeSpan interval;
    private readonly Dictionary<PublicKey, string> reports = [];
    private int quietTicks;

    /// <param name="limit">How long nothing may be committed. Counted in ticks, so that a process that was stopped and goes on is given its time.</param>
    public StallWatch(TimeSpan limit)
    {
        const int ticks = 20;
        interval = limit / ticks;
        Receive<BlockCommitted>(_ => quietTicks = 0);
        Receive<ValidatorReport>(report => reports[report.Validator] = report.Text);
        Receive<Tick>(_ =>
        {
            if (++quietTicks != ticks) return;
            var said = reports.Count == 0 ? "no validator has reported" : string.Join("; ", reports.OrderBy(r => r.Key).Select(r => $"{r.Key.ToString()[..8]}: {r.Value}"));
            Context.System.EventStream.Publish(new NodeFault($"nothing was committed for {limit.TotalSeconds:N0} s ({said}): see that more than two thirds of the validators run and reach each other, then start the node again"));
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record Tick : INoSerializationVerificationNeeded;

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<BlockCommitted>(Self);
        Context.System.EventStream.Subscribe<ValidatorReport>(Self);
        Timers.StartPeriodicTimer(nameof(Tick), new Tick(), interval);
    }
}
