namespace Vivim.Actors.Workers;

/// <summary>
/// Who works next, where more workers want to than may at once: stride scheduling. Each worker's pass grows by what it used divided by its
/// priority, and the lowest pass goes first, so that time is shared in proportion to priority and nobody starves.
/// </summary>
/// <param name="atOnce">How many may work at the same time.</param>
public sealed class TurnShares(int atOnce)
{
    private readonly Dictionary<string, double> passes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> waiting = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> working = new(StringComparer.Ordinal);

    private double reached;

    /// <summary>Takes the place of a worker's earlier wish.</summary>
    public void Ask(string worker, int priority)
    {
        if (working.ContainsKey(worker)) return;
        waiting[worker] = priority;
        // Who comes new, or was away, starts where the others are: idle time is not saved up.
        passes[worker] = Math.Max(passes.GetValueOrDefault(worker), reached);
    }

    /// <summary>The next to work; null while nobody wants to or enough do.</summary>
    public string? Grant()
    {
        if (working.Count >= atOnce || waiting.Count == 0) return null;
        var next = waiting.Keys.MinBy(worker => (passes[worker], worker))!;
        reached = Math.Max(reached, passes[next]);
        working[next] = waiting[next];
        waiting.Remove(next);
        return next;
    }

    /// <summary>A worker is done with its turn.</summary>
    public void Return(string worker, TimeSpan used)
    {
        if (working.Remove(worker, out var priority)) passes[worker] += Math.Max(used.TotalMilliseconds, 1) / priority;
    }

    /// <summary>A worker is gone, with its turn or its wish.</summary>
    public void Forget(string worker)
    {
        working.Remove(worker);
        waiting.Remove(worker);
        passes.Remove(worker);
    }
}
