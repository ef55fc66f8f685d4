using System.Diagnostics.Metrics;

namespace Vivim.Gateway.Limits;

/// <summary>Counts what limits have refused and ended, for /metrics and for one line in the log now and then. Thread-safe.</summary>
internal sealed class LimitTally : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "Vivim.Limits";

    private readonly Lock gate = new();
    private readonly SortedDictionary<string, long> unreported = new(StringComparer.Ordinal);
    private readonly Meter meter = new(MeterName);
    private readonly Counter<long> connections;
    private readonly Counter<long> calls;

    public LimitTally()
    {
        connections = meter.CreateCounter<long>(
            "vivim.connections.refused", description: "Connections that were refused or ended by a limit, by reason");
        calls = meter.CreateCounter<long>(
            "vivim.calls.refused", description: "Calls and streams that were refused or ended by a limit, by reason");
    }

    /// <summary>A connection was refused or ended.</summary>
    public void Connection(string reason) => Count(connections, "connections", reason);

    /// <summary>A call was refused or ended.</summary>
    public void Call(string reason) => Count(calls, "calls", reason);

    /// <summary>Tells at /metrics how much is in use.</summary>
    public void Gauge(string name, string? unit, string description, Func<long> read) =>
        meter.CreateObservableGauge(name, read, unit, description);

    /// <summary>What has been counted since the last report, in words; null for nothing.</summary>
    public string? Report()
    {
        lock (gate)
        {
            if (unreported.Count == 0) return null;
            var report = string.Join(", ", unreported.Select(count => $"{count.Value} {count.Key}"));
            unreported.Clear();
            return report;
        }
    }

    public void Dispose() => meter.Dispose();

    private void Count(Counter<long> counter, string what, string reason)
    {
        counter.Add(1, new KeyValuePair<string, object?>("reason", reason));
        var key = $"{what} {reason}";
        lock (gate) unreported[key] = unreported.GetValueOrDefault(key) + 1;
    }
}
