using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;

namespace Vivim.Gateway.Configuration;

/// <summary>What the settings of every worker have: <c>workers.TYPE</c> with its limits and its schedule.</summary>
internal sealed class WorkerSection(SettingsReader reader, string type)
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(10);

    /// <exception cref="SettingsException">A value is not possible.</exception>
    public WorkerConfig ReadConfig() => new()
    {
        WorkerId = $"{type}-0",
        WorkerType = type,
        Priority = (int)reader.Number(Key("priority"), 1, WorkerConfig.MaxPriority),
        MaxMemory = reader.Number(Key("max-memory"), WorkerConfig.MinMemory, 1L << 40),
        MaxCpu = (int)reader.Number(Key("max-cpu"), 1, 100),
        Timeout = reader.Duration(Key("timeout"), Shortest, Longest),
        RetryPolicy = ReadRetry(),
    };

    /// <summary>The worker's one schedule, named as its job.</summary>
    /// <exception cref="SettingsException">A value is not possible.</exception>
    public Schedule ReadSchedule(string job) => new(job, job, "", ReadTimes(), reader.OneOf(Key("missed"), "run-once", "skip") == "skip" ? MissedRuns.Skip : MissedRuns.RunOnce);

    private string Key(string name) => $"workers.{type}.{name}";

    private RetryPolicy ReadRetry()
    {
        var first = reader.Duration(Key("retry.first-pause"), Shortest, Longest);
        return new RetryPolicy(
            (int)reader.Number(Key("retry.attempts"), 1, RetryPolicy.MaxAttempts), first, reader.Duration(Key("retry.longest-pause"), first, Longest), (int)reader.Number(Key("retry.jitter"), 0, 100));
    }

    private ScheduleTimes ReadTimes()
    {
        var text = reader.Text(Key("schedule"));
        try
        {
            return ScheduleTimes.Parse(text);
        }
        catch (FormatException)
        {
            throw reader.Wrong(Key("schedule"), text, "'every 30s' (ms, s, m, h), or 'cron MINUTE HOUR DAY MONTH WEEKDAY' in UTC");
        }
    }
}
