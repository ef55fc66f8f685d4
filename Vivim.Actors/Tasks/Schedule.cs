namespace Vivim.Actors.Tasks;

/// <summary>What becomes of runs that passed while nobody was there to do them. Several missed runs are never done more than once.</summary>
public enum MissedRuns
{
    /// <summary>The newest of them is done late.</summary>
    RunOnce = 1,

    /// <summary>They are left out, and the next is done at its time.</summary>
    Skip = 2,
}

/// <summary>A kind of task that a worker does again and again. A run waits while the one before is not over.</summary>
/// <param name="Name">Unique among a worker's schedules. A task is named after it and its run.</param>
/// <param name="When">Its times.</param>
public sealed record Schedule(string Name, string Kind, string Argument, ScheduleTimes When, MissedRuns Missed)
{
    /// <summary>A run later than this is missed.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(1);
}

/// <summary>When a schedule runs. Two of the same text are the same.</summary>
public abstract record ScheduleTimes
{
    private protected ScheduleTimes()
    {
    }

    /// <summary>The form that <see cref="Parse"/> reads: <c>every 30s</c> or <c>cron 0 4 * * *</c>.</summary>
    public abstract string Text { get; }

    /// <summary>The first time after this one; null where there is none. Unix milliseconds.</summary>
    public abstract long? NextAfter(long time);

    /// <summary>The last time after <paramref name="after"/> up to <paramref name="now"/>; null where there is none.</summary>
    public abstract long? LatestBetween(long after, long now);

    /// <exception cref="FormatException">It is no such text; the message says what is allowed.</exception>
    public static ScheduleTimes Parse(string text)
    {
        if (text.StartsWith("cron ", StringComparison.Ordinal)) return new CronTimes(text["cron ".Length..].Trim());
        foreach (var (unit, length) in IntervalTimes.Units)
        {
            if (text.StartsWith("every ", StringComparison.Ordinal) && text.EndsWith(unit, StringComparison.Ordinal)
                && int.TryParse(text.AsSpan()["every ".Length..^unit.Length], System.Globalization.NumberStyles.None, null, out var count) && count > 0) return new IntervalTimes(count * length);
        }

        throw new FormatException($"'{text}' is no schedule: allowed are 'every 30s' (ms, s, m, h) and 'cron MINUTE HOUR DAY MONTH WEEKDAY', in UTC");
    }

    public sealed override string ToString() => Text;
}

/// <summary>At even distances from when the schedule was first declared.</summary>
/// <param name="Interval">Milliseconds.</param>
public sealed record IntervalTimes(long Interval) : ScheduleTimes
{
    /// <summary>Longest first; the last fits everything.</summary>
    internal static readonly (string Name, long Length)[] Units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

    public override string Text
    {
        get
        {
            var (name, length) = Units.First(unit => Interval % unit.Length == 0);
            return $"every {Interval / length}{name}";
        }
    }

    public override long? NextAfter(long time) => time + Interval;

    public override long? LatestBetween(long after, long now) => now - after < Interval ? null : after + ((now - after) / Interval * Interval);
}
