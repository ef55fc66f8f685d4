using Vivim.Protocol;

namespace Vivim.Gateway.Metrics;

/// <summary>
/// When this node took the transactions that are not committed yet: the newest <see cref="Capacity"/> of them, so that what is never committed
/// makes room in time. Safe for concurrent use.
/// </summary>
internal sealed class AcceptedTransactions(TimeProvider clock)
{
    /// <summary>Transactions at once; of more the oldest are not measured.</summary>
    public const int Capacity = 16_384;

    private readonly Lock gate = new();
    private readonly Dictionary<Hash256, long> taken = [];
    private readonly Queue<(Hash256 Id, long At)> order = new();

    public int Count
    {
        get
        {
            lock (gate) return taken.Count;
        }
    }

    /// <summary>A transaction has come. Of one that comes again the first time counts.</summary>
    public void Take(in Hash256 id)
    {
        var now = clock.GetTimestamp();
        lock (gate)
        {
            if (!taken.TryAdd(id, now)) return;
            order.Enqueue((id, now));
            if (order.Count <= Capacity) return;
            var oldest = order.Dequeue();
            if (taken.TryGetValue(oldest.Id, out var at) && at == oldest.At) taken.Remove(oldest.Id);
        }
    }

    /// <summary>It is not to be measured.</summary>
    public void Forget(in Hash256 id)
    {
        lock (gate) taken.Remove(id);
    }

    /// <summary>It is committed.</summary>
    /// <returns>How long that took; null where this node has not taken it.</returns>
    public TimeSpan? Commit(in Hash256 id)
    {
        lock (gate) return taken.Remove(id, out var at) ? clock.GetElapsedTime(at) : null;
    }
}
