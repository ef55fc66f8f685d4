namespace Vivim.Actors.Workers;

/// <summary>
/// A share of one processor's time, measured: what a worker spends on its tasks is drawn from a budget that fills with time, and while the budget
/// is overdrawn the next task waits. Over a window at most the share is used, plus the one task that overdrew it.
/// </summary>
public sealed class CpuBudget
{
    /// <summary>Up to the share of this much time may be saved up.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly int percent;
    private double left;
    private long asOf;

    /// <param name="percent">1 to 100.</param>
    /// <param name="now">Unix milliseconds.</param>
    public CpuBudget(int percent, long now)
    {
        this.percent = percent;
        left = Most;
        asOf = now;
    }

    private double Most => Window.TotalMilliseconds * percent / 100;

    /// <summary>A task has taken this long.</summary>
    public void Spend(TimeSpan used, long now)
    {
        Fill(now);
        left -= used.TotalMilliseconds;
    }

    /// <summary>How long the next task must wait; nothing with 100 percent.</summary>
    public TimeSpan DelayAt(long now)
    {
        Fill(now);
        return percent >= 100 || left >= 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Ceiling(-left * 100 / percent));
    }

    private void Fill(long now)
    {
        // A clock that was set back gives nothing, and does not take either.
        if (now > asOf) left = Math.Min(Most, left + ((now - asOf) * percent / 100.0));
        asOf = now;
    }
}
