namespace Vivim.Chain.Queries;

/// <summary>Counts the calls under way of each caller, and bounds them, for each caller and in all. A deterministic core, used by one thread at a time.</summary>
/// <param name="perCaller">Calls of one caller at once.</param>
/// <param name="inAll">Calls of all callers at once.</param>
public sealed class CallerPlaces(int perCaller, int inAll)
{
    private readonly Dictionary<string, int> taken = new(StringComparer.Ordinal);

    /// <summary>Calls under way.</summary>
    public int Count { get; private set; }

    /// <summary>Takes a place for a call, until <see cref="Leave"/>.</summary>
    /// <returns>False where the caller, or all together, have as many as they may.</returns>
    public bool TryEnter(string caller)
    {
        var own = taken.GetValueOrDefault(caller);
        if (own >= perCaller || Count >= inAll) return false;
        taken[caller] = own + 1;
        Count++;
        return true;
    }

    /// <summary>Gives a place back.</summary>
    public void Leave(string caller)
    {
        Count--;
        if (--taken[caller] == 0) taken.Remove(caller);
    }
}
