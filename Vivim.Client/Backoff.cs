using System.Security.Cryptography;

namespace Vivim.Client;

/// <summary>
/// Waits between attempts: 100 ms, doubling up to 5 s, each shortened by up to half at random; gives up after a time of failures alone.
/// </summary>
public sealed class Backoff
{
    /// <summary>How long the library goes on asking a node that does not answer.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly TimeProvider time;
    private readonly TimeSpan limit;
    private TimeSpan next = First;
    private long? failingSince;

    public Backoff(TimeProvider time, TimeSpan? limit = null)
    {
        this.time = time;
        this.limit = limit ?? DefaultLimit;
    }

    /// <summary>Something was achieved: the waits and the limit start over.</summary>
    public void Progress()
    {
        next = First;
        failingSince = null;
    }

    /// <summary>An attempt failed: waits before the next.</summary>
    /// <param name="least">How long the node has asked to wait; null where it has said nothing.</param>
    /// <returns>False, at once, when attempts have failed for as long as the limit.</returns>
    public async Task<bool> TryWaitAsync(CancellationToken cancellationToken, TimeSpan? least = null)
    {
        failingSince ??= time.GetTimestamp();
        if (time.GetElapsedTime(failingSince.Value) >= limit) return false;
        var jitter = RandomNumberGenerator.GetInt32(500, 1_001) / 1_000.0;
        var wait = next * jitter;
        next = next * 2 < Longest ? next * 2 : Longest;
        if (least > wait) wait = least.Value < Longest ? least.Value : Longest;
        await Task.Delay(wait, time, cancellationToken);
        return true;
    }
}
