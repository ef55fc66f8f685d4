using System.Numerics;

namespace Vivim.Simulator;

/// <summary>
/// Chance from a seed: xoshiro256** (Blackman and Vigna), filled by SplitMix64. Written down here, because a seed must mean the same on every
/// machine and in every version of .NET. Each part of a simulation has a stream of its own, so that one does not disturb another.
/// </summary>
internal sealed class SeededRandom
{
    private ulong s0;
    private ulong s1;
    private ulong s2;
    private ulong s3;

    public SeededRandom(ulong seed, ulong stream)
    {
        var mix = seed ^ (stream * 0xD1B54A32D192ED03);
        s0 = SplitMix(ref mix);
        s1 = SplitMix(ref mix);
        s2 = SplitMix(ref mix);
        s3 = SplitMix(ref mix);
    }

    public ulong Next()
    {
        var result = BitOperations.RotateLeft(s1 * 5, 7) * 9;
        var t = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = BitOperations.RotateLeft(s3, 45);
        return result;
    }

    /// <summary>0 to <paramref name="bound"/> - 1.</summary>
    public int Below(int bound) => (int)Math.BigMul(Next(), (ulong)bound, out _);

    /// <summary>Both ends included.</summary>
    public int Between(int least, int most) => least + Below(most - least + 1);

    public bool Chance(int permille) => permille > 0 && Below(1000) < permille;

    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    public T[] Shuffled<T>(IEnumerable<T> items)
    {
        T[] shuffled = [.. items];
        for (var i = shuffled.Length - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (shuffled[i], shuffled[j]) = (shuffled[j], shuffled[i]);
        }

        return shuffled;
    }

    private static ulong SplitMix(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
