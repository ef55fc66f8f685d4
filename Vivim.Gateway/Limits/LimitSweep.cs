namespace Vivim.Gateway.Limits;

/// <summary>Once a second ends what has had its time, and once a minute says in the log what limits have refused and ended.</summary>
internal sealed class LimitSweep(
    ConnectionLimiter connections, CallLimiter calls, BytesInFlight bytes, LimitTally tally, TimeProvider clock, ILogger<LimitSweep> log)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMinutes(1);

    /// <summary>One sweep. A part of it that fails is logged: the rest is done, and so is the next sweep.</summary>
    public void Sweep()
    {
        foreach (var part in (Action[])[calls.Sweep, connections.Sweep, bytes.Sweep])
        {
            try
            {
                part();
            }
            catch (Exception e)
            {
                log.LogError(e, "what has had its time was not ended; the next try is in {Interval}", Interval);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        tally.Gauge("vivim.connections", null, "Connections to this node's ports", () => connections.Count);
        tally.Gauge("vivim.calls", null, "Calls and streams under way on this node", () => calls.Count);
        tally.Gauge("vivim.bytes.in_flight", "By", "Bytes that calls and answers under way are charged with", () => bytes.Used);
        using var timer = new PeriodicTimer(Interval, clock);
        var reported = clock.GetTimestamp();
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            Sweep();
            if (clock.GetElapsedTime(reported) < ReportInterval) continue;
            reported = clock.GetTimestamp();
            if (tally.Report() is { } report) log.LogWarning("limits refused or ended in the last minute: {Report}", report);
        }
    }
}
