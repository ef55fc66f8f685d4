using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Vivim.Actors.Remoting;

namespace Vivim.Tests.Remoting;

/// <summary>What the nodes of this process have refused, of what came in by their remoting, since this was made.</summary>
internal sealed class RefusalCount
{
    private static readonly ConcurrentDictionary<string, long> Counts = new(StringComparer.Ordinal);
    private static readonly MeterListener Listener = Start();

    private readonly Dictionary<string, long> before = Read(Listener);

    public long this[InboundRefusalReason reason] => Since().GetValueOrDefault(reason.ToString().ToLowerInvariant());

    /// <summary>By reason.</summary>
    public Dictionary<string, long> Since() =>
        Read(Listener).Select(now => (now.Key, Count: now.Value - before.GetValueOrDefault(now.Key))).Where(since => since.Count > 0).ToDictionary(since => since.Key, since => since.Count, StringComparer.Ordinal);

    private static Dictionary<string, long> Read(MeterListener listener)
    {
        GC.KeepAlive(listener);
        return Counts.ToDictionary(StringComparer.Ordinal);
    }

    private static MeterListener Start()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, hearing) =>
            {
                if (instrument.Meter.Name == RefusedMessages.MeterName) hearing.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>(static (_, count, tags, _) => Counts.AddOrUpdate((string)tags[0].Value!, count, (_, all) => all + count));
        listener.Start();
        return listener;
    }
}
