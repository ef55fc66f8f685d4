using Vivim.Protocol;

namespace Vivim.Simulator.Oracle;

/// <summary>What clients were promised: an acknowledged transaction is committed, or expires at its own height.</summary>
internal sealed class Acknowledgements
{
    private readonly Dictionary<Hash256, ulong> expiries = [];
    private readonly HashSet<Hash256> acknowledged = [];
    private readonly Dictionary<Hash256, ulong> committed = [];

    /// <summary>A client has sent this.</summary>
    public void Submitted(Hash256 id, ulong expiryHeight) => expiries[id] = expiryHeight;

    public void Acknowledged(Hash256 id) => acknowledged.Add(id);

    /// <summary>A block contains this; null, or what is wrong with that.</summary>
    public string? Committed(Hash256 id, ulong height)
    {
        if (!expiries.TryGetValue(id, out var expiry)) return $"no client has sent {id}";
        if (expiry < height) return $"{id} expired at height {expiry}";
        return committed.TryAdd(id, height) ? null : $"{id} is in block {committed[id]} already";
    }

    public bool IsCommitted(Hash256 id) => committed.ContainsKey(id);

    /// <summary>The acknowledged transactions that a chain of this height should have settled but has not.</summary>
    public IEnumerable<Hash256> Unsettled(ulong height) => acknowledged.Where(id => !committed.ContainsKey(id) && expiries[id] > height).Order();
}
