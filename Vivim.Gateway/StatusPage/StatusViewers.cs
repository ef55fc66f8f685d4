using Vivim.Gateway.Limits;

namespace Vivim.Gateway.StatusPage;

/// <summary>The places for open status pages, shared between addresses. Thread-safe.</summary>
internal sealed class StatusViewers
{
    /// <summary>Pages that are open at once; more get 503.</summary>
    public const int Max = 32;

    /// <summary>An address may have one in so many of the free places; the node's own machine may have as many as are free.</summary>
    private const long Divisor = 4;

    private readonly Lock gate = new();
    private readonly FairShares places = new(Max);

    /// <summary>Takes a place for a page.</summary>
    /// <returns>False where the address has as many as it may, or none is left.</returns>
    public bool TryOpen(CallerAddress address)
    {
        lock (gate) return places.TryTake(address, 1, Divisor);
    }

    /// <summary>A page is closed.</summary>
    public void Close(CallerAddress address)
    {
        lock (gate) places.Give(address, 1);
    }
}
