namespace Vivim.Actors.Workers;

/// <summary>How often something is tried, and how long the pauses between are: each twice the one before, up to a bound, shortened by chance.</summary>
/// <param name="Attempts">In all, the first included; 1 to 100.</param>
/// <param name="First">The pause after the first attempt, before jitter.</param>
/// <param name="Longest">No pause is longer.</param>
/// <param name="JitterPercent">By how much of itself a pause may be shorter, 0 to 100, so that those who failed together do not come back together.</param>
public sealed record RetryPolicy(int Attempts, TimeSpan First, TimeSpan Longest, int JitterPercent)
{
    public const int MaxAttempts = 100;

    private const int MaxDoublings = 40;

    /// <summary>The pause after this many failed attempts.</summary>
    /// <param name="failed">From 1; any number, so that a pause can also be had where attempts are not bounded.</param>
    /// <param name="chance">From 0 (no jitter) to 1.</param>
    public TimeSpan DelayAfter(int failed, double chance)
    {
        var doublings = Math.Clamp(failed - 1, 0, MaxDoublings);
        var milliseconds = Math.Min(Longest.TotalMilliseconds, First.TotalMilliseconds * (1L << doublings));
        return TimeSpan.FromMilliseconds(milliseconds * (1 - (Math.Clamp(chance, 0, 1) * JitterPercent / 100)));
    }
}
