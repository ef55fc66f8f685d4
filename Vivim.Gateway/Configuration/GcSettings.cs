using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Gateway.Workers;

namespace Vivim.Gateway.Configuration;

/// <summary>The node's garbage collector.</summary>
internal sealed record GcSettings(WorkerConfig Config, Schedule Schedule)
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(10);

    /// <exception cref="SettingsException">A value is not possible.</exception>
    public static GcSettings From(SettingsReader reader) => new(
        new WorkerConfig
        {
            WorkerId = $"{GcWorker.TypeName}-0",
            WorkerType = GcWorker.TypeName,
            Priority = (int)reader.Number("workers.gc.priority", 1, WorkerConfig.MaxPriority),
            MaxMemory = reader.Number("workers.gc.max-memory", WorkerConfig.MinMemory, 1L << 40),
            MaxCpu = (int)reader.Number("workers.gc.max-cpu", 1, 100),
            Timeout = reader.Duration("workers.gc.timeout", Shortest, Longest),
            RetryPolicy = ReadRetry(reader),
        },
        new Schedule(GcWorker.FreeSpace, GcWorker.FreeSpace, "", ReadTimes(reader), reader.OneOf("workers.gc.missed", "run-once", "skip") == "skip" ? MissedRuns.Skip : MissedRuns.RunOnce));

    private static RetryPolicy ReadRetry(SettingsReader reader)
    {
        var first = reader.Duration("workers.gc.retry.first-pause", Shortest, Longest);
        return new RetryPolicy(
            (int)reader.Number("workers.gc.retry.attempts", 1, RetryPolicy.MaxAttempts), first, reader.Duration("workers.gc.retry.longest-pause", first, Longest), (int)reader.Number("workers.gc.retry.jitter", 0, 100));
    }

    private static ScheduleTimes ReadTimes(SettingsReader reader)
    {
        var text = reader.Text("workers.gc.schedule");
        try
        {
            return ScheduleTimes.Parse(text);
        }
        catch (FormatException)
        {
            throw reader.Wrong("workers.gc.schedule", text, "'every 30s' (ms, s, m, h), or 'cron MINUTE HOUR DAY MONTH WEEKDAY' in UTC");
        }
    }
}
