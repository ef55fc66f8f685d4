using Cronos;

namespace Vivim.Actors.Tasks;

/// <summary>At the times of a cron expression of five fields, in UTC: minute, hour, day of month, month, day of week.</summary>
public sealed record CronTimes : ScheduleTimes
{
    /// <summary>An expression can name times that never come, like the 31st of February; nobody waits longer.</summary>
    private static readonly TimeSpan Horizon = TimeSpan.FromDays(5 * 366);

    private static readonly TimeSpan FirstLook = TimeSpan.FromMinutes(1);

    private readonly string expression;
    private readonly CronExpression times;

    /// <exception cref="FormatException">It is no cron expression.</exception>
    public CronTimes(string expression)
    {
        this.expression = expression;
        try
        {
            times = CronExpression.Parse(expression);
        }
        catch (CronFormatException e)
        {
            throw new FormatException($"'{expression}' is no cron expression of five fields: {e.Message}", e);
        }
    }

    public override string Text => $"cron {expression}";

    public override long? NextAfter(long time) => Next(time, time + (long)Horizon.TotalMilliseconds);

    /// <remarks>Looks back in steps that grow, so that a year away from a schedule of minutes costs no half million steps.</remarks>
    public override long? LatestBetween(long after, long now)
    {
        for (var look = (long)FirstLook.TotalMilliseconds; ; look *= 8)
        {
            var from = Math.Max(after, now - look);
            if (from >= now) return null;
            long? latest = null;
            for (var time = Next(from, now); time is { } found; time = Next(found, now)) latest = found;
            if (latest is not null || from == after) return latest;
        }
    }

    public bool Equals(CronTimes? other) => other is not null && expression == other.expression;

    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(expression);

    private long? Next(long after, long upTo)
    {
        var next = times.GetNextOccurrence(DateTimeOffset.FromUnixTimeMilliseconds(after).UtcDateTime);
        return next is { } found && new DateTimeOffset(found, TimeSpan.Zero).ToUnixTimeMilliseconds() is var time && time <= upTo ? time : null;
    }
}
