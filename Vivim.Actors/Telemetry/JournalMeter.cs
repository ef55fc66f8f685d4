using System.Diagnostics.Metrics;

namespace Vivim.Actors.Telemetry;

/// <summary>Measures what this node's actors write to their journals.</summary>
public static class JournalMeter
{
    /// <summary>The name of the meter.</summary>
    public const string Name = "Vivim.Journal";

    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<double> Writes = Meter.CreateHistogram(
        "vivim.journal.write",
        "s",
        "Time from a journal's taking a batch of events to the database's saying that it is durable, by journal",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] });

    private static readonly Counter<long> Failures = Meter.CreateCounter<long>("vivim.journal.failures", description: "Batches of events that could not be written, by journal");

    internal static void Written(string journal, TimeSpan took) => Writes.Record(took.TotalSeconds, Label(journal));

    internal static void Failed(string journal) => Failures.Add(1, Label(journal));

    private static KeyValuePair<string, object?> Label(string journal) => new("journal", journal);
}
