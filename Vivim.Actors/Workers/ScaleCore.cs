namespace Vivim.Actors.Workers;

/// <summary>Between which bounds, and when, a type of workers grows and shrinks.</summary>
/// <param name="Least">Workers that always accept tasks, from 1.</param>
/// <param name="Most">Workers at most.</param>
public sealed record ScaleLimits(int Least, int Most)
{
    /// <summary>Workers of a type at most.</summary>
    public const int MaxWorkers = 1_000;

    /// <summary>Above this mean load (mission §3.3) there are too few workers.</summary>
    public double GrowAbove { get; init; } = 0.8;

    /// <summary>Below this mean load (mission §3.3) there are too many.</summary>
    public double ShrinkBelow { get; init; } = 0.2;

    /// <summary>So many samples in a row, before one more accepts tasks.</summary>
    public int GrowAfter { get; init; } = 3;

    /// <summary>So many samples in a row, before one fewer does: ending work is slower to be regretted than beginning it.</summary>
    public int ShrinkAfter { get; init; } = 12;

    /// <exception cref="WorkerConfigException">Something is not possible.</exception>
    internal void Validate()
    {
        if (Least < 1 || Least > Most || Most > MaxWorkers) throw new WorkerConfigException(nameof(ScaleLimits), $"{Least} to {Most}", $"1 to {MaxWorkers}, the least first");
        if (!(ShrinkBelow >= 0 && ShrinkBelow < GrowAbove && GrowAbove <= 1)) throw new WorkerConfigException(nameof(ScaleLimits), $"{ShrinkBelow} to {GrowAbove}", "0 to 1, the lower first");
        if (GrowAfter < 1 || ShrinkAfter < 1) throw new WorkerConfigException(nameof(ScaleLimits), $"{GrowAfter}, {ShrinkAfter}", "at least one sample");
    }
}

/// <summary>How many workers a type has, in the journal: each entry is the whole state.</summary>
/// <param name="Count">Partitions 0 to this accept tasks.</param>
/// <param name="IsPinned">An operator has said so, and load changes nothing.</param>
/// <param name="MostEver">Workers it has had at most.</param>
/// <param name="Draining">Partitions that accept no tasks any more, but have, or may have, some that are not over.</param>
/// <param name="At">Unix milliseconds.</param>
/// <param name="Cause">Why it changed.</param>
public sealed record ScaleRecorded(int Count, bool IsPinned, int MostEver, IReadOnlyList<int> Draining, long At, string Cause) : IWorkerForm;

/// <summary>
/// Decides how many workers of a type accept tasks: one more or one fewer at a time, after the mean load has stayed beyond a threshold for some
/// samples, and not while an operator has fixed the number.
/// </summary>
public sealed class ScaleCore(ScaleLimits limits)
{
    private int above;
    private int below;

    public ScaleRecorded State { get; private set; } = new(limits.Least, false, limits.Least, [], 0, "");

    /// <summary>The journal has this. Bounds that were changed since hold from the next change on.</summary>
    public void Apply(ScaleRecorded recorded)
    {
        State = recorded;
        (above, below) = (0, 0);
    }

    /// <summary>What follows from a sample of the mean load, from 0 to 1; null where nothing does.</summary>
    public ScaleRecorded? Judge(double load, long now)
    {
        above = load > limits.GrowAbove ? above + 1 : 0;
        below = load < limits.ShrinkBelow ? below + 1 : 0;
        if (State.IsPinned) return null;
        if (State.Count > limits.Most || (below >= limits.ShrinkAfter && State.Count > limits.Least)) return With(State.Count - 1, false, now, $"load {load:0.00}");
        if (State.Count < limits.Least || (above >= limits.GrowAfter && State.Count < limits.Most)) return With(State.Count + 1, false, now, $"load {load:0.00}");
        return null;
    }

    /// <summary>An operator fixes the number, or with 0 leaves it to the load; null where that is not possible.</summary>
    public ScaleRecorded? Set(int count, string by, long now) =>
        count == 0 ? With(State.Count, false, now, $"left to the load by {by}")
        : count < limits.Least || count > limits.Most ? null
        : With(count, true, now, $"fixed by {by}");

    /// <summary>A worker that was draining has nothing left to do; null where it is not draining.</summary>
    public ScaleRecorded? Retire(int partition, long now) => State.Draining.Contains(partition)
        ? State with { Draining = [.. State.Draining.Where(p => p != partition)], At = now, Cause = $"partition {partition} has ended" }
        : null;

    private ScaleRecorded With(int count, bool isPinned, long now, string cause) => new(
        count,
        isPinned,
        Math.Max(count, State.MostEver),
        [.. State.Draining.Concat(Enumerable.Range(count, Math.Max(0, State.Count - count))).Where(p => p >= count).Distinct().Order()],
        now,
        cause);
}
