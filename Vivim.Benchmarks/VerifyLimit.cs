using System.Diagnostics;
using Vivim.Protocol.Keys;

namespace Vivim.Benchmarks;

/// <summary>What the machine could verify if it did nothing else: the limit that throughput is compared with.</summary>
internal static class VerifyLimit
{
    private const int Signatures = 4_000;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(4);

    /// <summary>Ed25519 verifications per second on some threads, of messages as long as a follow.</summary>
    public static double Measure(int threads)
    {
        using var key = SigningKey.Generate();
        var messages = Enumerable.Range(0, Signatures).Select(i => BitConverter.GetBytes(i).Concat(new byte[220]).ToArray()).ToList();
        var signatures = messages.Select(m => key.Sign(m)).ToList();
        Run(TimeSpan.FromSeconds(1));
        return Run(Duration);

        double Run(TimeSpan duration)
        {
            var done = 0L;
            var clock = Stopwatch.StartNew();
            Parallel.For(0, threads, _ =>
            {
                for (var i = 0; clock.Elapsed < duration; i++)
                {
                    if (!key.PublicKey.Verifies(messages[i % Signatures], signatures[i % Signatures])) throw new InvalidOperationException("a signature of ours does not verify");
                    Interlocked.Increment(ref done);
                }
            });
            return done / clock.Elapsed.TotalSeconds;
        }
    }
}
