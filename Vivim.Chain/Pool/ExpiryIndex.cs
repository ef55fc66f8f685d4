namespace Vivim.Chain.Pool;

/// <summary>The waiting transactions by the last height that could include them.</summary>
internal sealed class ExpiryIndex
{
    private readonly SortedDictionary<ulong, HashSet<WaitingTransaction>> byHeight = [];

    public void Add(WaitingTransaction waiting)
    {
        var height = waiting.Transaction.ExpiryHeight;
        if (!byHeight.TryGetValue(height, out var all)) byHeight[height] = all = [];
        all.Add(waiting);
    }

    public void Remove(WaitingTransaction waiting)
    {
        var height = waiting.Transaction.ExpiryHeight;
        if (byHeight.TryGetValue(height, out var all) && all.Remove(waiting) && all.Count == 0) byHeight.Remove(height);
    }

    /// <summary>What no block above a height could include.</summary>
    public IReadOnlyList<WaitingTransaction> UpTo(ulong height) => [.. byHeight.TakeWhile(at => at.Key <= height).SelectMany(at => at.Value)];
}
