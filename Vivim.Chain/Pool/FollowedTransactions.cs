using Vivim.Protocol;

namespace Vivim.Chain.Pool;

/// <summary>The waiting transactions of a partition that are traced, or told in the log, at most <see cref="Capacity"/> at a time. In memory only.</summary>
internal sealed class FollowedTransactions
{
    /// <summary>Transactions at once.</summary>
    public const int Capacity = 1_024;

    private readonly Dictionary<Hash256, string> parents = [];

    /// <summary>Those that still wait, as many as may be told at once.</summary>
    public IReadOnlyList<FollowedTransaction> Waiting(PoolCore core) => parents.Count == 0
        ? []
        : [.. parents.Where(one => core.Holds(one.Key)).Take(Reaped.MaxTraces).Select(one => new FollowedTransaction(one.Key, one.Value))];

    /// <param name="parent">The traceparent of what was done for it last.</param>
    public void Add(in Hash256 id, string parent, PoolCore core)
    {
        if (parents.Count >= Capacity) RemoveGone(core);
        if (parents.Count < Capacity) parents[id] = parent;
    }

    /// <summary>A block is committed.</summary>
    public void RemoveGone(PoolCore core)
    {
        if (parents.Count == 0) return;
        foreach (var gone in parents.Keys.Where(id => !core.Holds(id)).ToList()) parents.Remove(gone);
    }
}
