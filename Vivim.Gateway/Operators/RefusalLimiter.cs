using System.Net;
using System.Threading.RateLimiting;

namespace Vivim.Gateway.Operators;

/// <summary>
/// Bounds how often callers of one remote address may be refused: 10 at once, then one a second. Memory is bounded by sharing: an address falls
/// into one of 4,096 buckets, by a hash that differs with every start, so that nobody can choose whose bucket they empty.
/// </summary>
internal sealed class RefusalLimiter : IDisposable
{
    /// <summary>Refusals at once.</summary>
    public const int Burst = 10;

    /// <summary>Until another one is allowed.</summary>
    public static readonly TimeSpan Refill = TimeSpan.FromSeconds(1);

    private const int Buckets = 4_096;

    /// <summary>Whoever has one IPv6 address has its 64-bit network.</summary>
    private const int NetworkBytes = 8;

    private readonly PartitionedRateLimiter<IPAddress> limiter = PartitionedRateLimiter.Create<IPAddress, int>(address => RateLimitPartition.GetTokenBucketLimiter(
        BucketOf(address),
        static _ => new TokenBucketRateLimiterOptions { TokenLimit = Burst, TokensPerPeriod = 1, ReplenishmentPeriod = Refill, QueueLimit = 0 }));

    /// <summary>Whether a caller from there may be refused once more; where not, it need not be listened to.</summary>
    public bool Allows(IPAddress remote)
    {
        using var lease = limiter.AttemptAcquire(remote, permitCount: 0);
        return lease.IsAcquired;
    }

    /// <summary>Counts a refusal.</summary>
    /// <returns>False when there were too many.</returns>
    public bool TryCount(IPAddress remote)
    {
        using var lease = limiter.AttemptAcquire(remote);
        return lease.IsAcquired;
    }

    public void Dispose() => limiter.Dispose();

    private static int BucketOf(IPAddress remote)
    {
        var bytes = (remote.IsIPv4MappedToIPv6 ? remote.MapToIPv4() : remote).GetAddressBytes();
        var hash = default(HashCode);
        hash.AddBytes(bytes.AsSpan(0, Math.Min(bytes.Length, NetworkBytes)));
        return (int)((uint)hash.ToHashCode() % Buckets);
    }
}
