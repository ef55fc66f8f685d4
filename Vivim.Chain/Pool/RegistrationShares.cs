namespace Vivim.Chain.Pool;

/// <summary>
/// Shares a window's registrations among those who ask for them. A partition gives out its part, one in <see cref="PoolPartitions.Count"/>, of what
/// the chain has left. An address gets another registration while more of that part is free than it has taken of the window itself:
/// alone it gets half, and somebody at another address still finds places.
/// </summary>
internal sealed class RegistrationShares
{
    /// <summary>Addresses that are counted. Each has taken a registration, so that a window with the default limit has no room for as many.</summary>
    private const int MaxOrigins = 10_000;

    private readonly Dictionary<string, int> taken = [];

    /// <summary>Registrations that the partition may still take.</summary>
    /// <param name="left">What the next block may include.</param>
    /// <param name="waiting">Registrations that wait here for a block.</param>
    public static long Free(uint left, int waiting) => ((left + PoolPartitions.Count - 1L) / PoolPartitions.Count) - waiting;

    /// <summary>Whether an address has had its share.</summary>
    public bool HasHadItsShare(string origin, long free) => taken.GetValueOrDefault(origin) >= free;

    /// <summary>A registration waits.</summary>
    public void Add(string origin)
    {
        if (origin.Length == 0 || (taken.Count >= MaxOrigins && !taken.ContainsKey(origin))) return;
        taken[origin] = taken.GetValueOrDefault(origin) + 1;
    }

    /// <summary>A registration is gone, and no block has it.</summary>
    public void GiveBack(string origin)
    {
        if (!taken.TryGetValue(origin, out var count)) return;
        if (count == 1) taken.Remove(origin);
        else taken[origin] = count - 1;
    }

    /// <summary>Another window begins: only what still waits counts in it.</summary>
    public void Begin(IEnumerable<string> waiting)
    {
        taken.Clear();
        foreach (var origin in waiting) Add(origin);
    }
}
