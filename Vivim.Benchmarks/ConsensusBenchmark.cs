using System.Diagnostics;

namespace Vivim.Benchmarks;

/// <summary>What `-- consensus` prints for one number of validators.</summary>
/// <param name="HeightsPerSecond">All validators on one thread, empty blocks.</param>
/// <param name="MessagesPerHeight">Delivered: a broadcast counts once for each receiver.</param>
/// <param name="MessagesPerPair">Messages per height by the square of the validators: must not grow with them.</param>
/// <param name="Ratio">Heights per second by those that one thread could do if it only verified each vote once at each validator.</param>
internal sealed record ConsensusFigures(int Validators, double HeightsPerSecond, double MessagesPerHeight, double MessagesPerPair, double Ratio);

/// <summary>What `-- consensus` prints.</summary>
/// <param name="VerifyPerSecond">Ed25519 verifications per second on one thread, in the same run.</param>
internal sealed record ConsensusReport(double VerifyPerSecond, IReadOnlyList<ConsensusFigures> Figures, int Cores);

/// <summary>The engine alone: how many heights a second, and how many messages each takes, as the validators grow.</summary>
internal static class ConsensusBenchmark
{
    private const ulong WarmUpHeights = 2;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(8);

    public static ConsensusReport Run()
    {
        var verifyPerSecond = VerifyLimit.Measure(threads: 1);
        return new ConsensusReport(Math.Round(verifyPerSecond), [.. new[] { 4, 16, 64, 100 }.Select(validators => Measure(validators, verifyPerSecond))], Environment.ProcessorCount);
    }

    private static ConsensusFigures Measure(int validators, double verifyPerSecond)
    {
        using var network = new ConsensusNetwork(validators);
        network.RunTo(WarmUpHeights);
        var (before, clock) = (network.Messages, Stopwatch.StartNew());
        while (clock.Elapsed < Duration) network.RunTo(network.Height + 1);
        var heights = network.Height - WarmUpHeights;
        var heightsPerSecond = heights / clock.Elapsed.TotalSeconds;
        var messages = (double)(network.Messages - before) / heights;
        // Each validator checks the proposal and both votes of every other.
        var verifications = (double)validators * (1 + 2 * (validators - 1));
        return new ConsensusFigures(
            validators,
            Math.Round(heightsPerSecond, 2),
            Math.Round(messages, 1),
            Math.Round(messages / (validators * validators), 2),
            Math.Round(heightsPerSecond / (verifyPerSecond / verifications), 2));
    }
}
