using Vivim.Chain.Consensus;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Actors;

/// <summary>
/// Signer rows whose writes, from a seed, take long, fail before they are stored, or are stored and reported as failed. It knows all that was ever
/// stored.
/// </summary>
internal sealed class FaultySignerStore(ISignerStore inner, int seed) : ISignerStore
{
    private const int SlowestWrite = 30;

    private readonly Lock gate = new();
    private readonly Random random = new(seed);
    private readonly HashSet<object> stored = [];
    private int failures;
    private int staleWrites;

    private enum Fate
    {
        Good,
        Slow,
        Fail,
        StoreAndFail,
    }

    public volatile bool IsFaulty;

    /// <summary>Writes that were reported as failed.</summary>
    public int Failures => failures;

    /// <summary>Writes that came too late: another incarnation had written.</summary>
    public int StaleWrites => staleWrites;

    /// <summary>Whether a row with this vote or proposal was ever stored.</summary>
    public bool HasStored(object message)
    {
        lock (gate) return stored.Contains(message);
    }

    public SignerRow? Load(PublicKey key) => inner.Load(key);

    public void Create(PublicKey key, SignerRow row) => inner.Create(key, row);

    public bool CompareAndSet(PublicKey key, ulong expectedVersion, SignerRow row)
    {
        var (fate, delay) = Draw();
        if (fate == Fate.Slow) Thread.Sleep(delay);
        if (fate != Fate.Fail && !Store(key, expectedVersion, row)) return false;
        if (fate is not (Fate.Fail or Fate.StoreAndFail)) return true;
        Interlocked.Increment(ref failures);
        throw new IOException("the signer's disk is gone");
    }

    private (Fate Fate, int Delay) Draw()
    {
        lock (gate)
        {
            var fate = random.Next(100) switch { < 10 => Fate.Fail, < 20 => Fate.StoreAndFail, < 40 => Fate.Slow, _ => Fate.Good };
            return (IsFaulty ? fate : Fate.Good, random.Next(SlowestWrite));
        }
    }

    private bool Store(PublicKey key, ulong expectedVersion, SignerRow row)
    {
        if (!inner.CompareAndSet(key, expectedVersion, row))
        {
            Interlocked.Increment(ref staleWrites);
            return false;
        }

        lock (gate)
        {
            stored.UnionWith(row.Votes);
            stored.UnionWith(row.Proposals);
        }

        return true;
    }
}
