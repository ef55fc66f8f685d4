using System.Net;
using Vivim.Gateway.Limits;

namespace Vivim.Gateway.Operators;

/// <summary>
/// Bounds the lines that refusals write to the log: of one address 10 at once and then one a second, in all 100 at once and then ten a
/// second. It decides about the log only: a valid token is accepted, however often its sender's address was refused. Thread-safe.
/// </summary>
/// <remarks>
/// Memory is bounded by sharing: an address falls into one of 4,096 buckets, by a hash that differs with every start. An address that
/// shares a bucket with a flood has fewer lines in the log, and loses nothing else.
/// </remarks>
internal sealed class RefusalLogBudget
{
    /// <summary>Lines of one address at once.</summary>
    public const int AddressBurst = 10;

    /// <summary>Lines in all at once.</summary>
    public const int NodeBurst = 100;

    /// <summary>Lines that are added in a second.</summary>
    private const int AddressRate = 1, NodeRate = 10;

    private const int Buckets = 4_096;

    private readonly Lock gate = new();
    private readonly Bucket[] addresses = new Bucket[Buckets];
    private Bucket node;
    private long leftOut;

    /// <summary>Asks for a line about a refusal.</summary>
    /// <param name="now">Unix milliseconds.</param>
    /// <param name="unlogged">Refusals since the last line that got none.</param>
    /// <returns>False when there is no line left for it.</returns>
    public bool TryTake(IPAddress remote, long now, out long unlogged)
    {
        lock (gate)
        {
            var isLogged = addresses[BucketOf(remote)].TryTake(AddressBurst, AddressRate, now) && node.TryTake(NodeBurst, NodeRate, now);
            unlogged = isLogged ? leftOut : 0;
            leftOut = isLogged ? 0 : leftOut + 1;
            return isLogged;
        }
    }

    private static int BucketOf(IPAddress remote) => (int)((uint)HashCode.Combine(CallerAddress.Of(remote)) % Buckets);

    /// <summary>What is used up of a bucket, in thousandths of a line: so a new one is full.</summary>
    private struct Bucket
    {
        private const long Line = 1_000;

        private long used;
        private long at;

        /// <param name="rate">Lines a second, which are thousandths of a line a millisecond.</param>
        public bool TryTake(int burst, int rate, long now)
        {
            // A clock that was set back refills nothing.
            used = Math.Max(0, used - (Math.Max(0, now - at) * rate));
            at = now;
            if (used + Line > burst * Line) return false;
            used += Line;
            return true;
        }
    }
}
