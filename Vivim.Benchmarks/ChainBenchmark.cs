using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vivim.Cli.Demo;
using Vivim.Client;
using Vivim.Protocol.Transactions;

namespace Vivim.Benchmarks;

/// <summary>What `-- chain` prints.</summary>
/// <param name="CommittedPerSecond">At saturation, node and client on this machine.</param>
/// <param name="VerifyPerSecond">Ed25519 verifications on all cores and nothing else, in the same run.</param>
/// <param name="CommitP50Ms">From submitting to seeing the block, at half of saturation; the 99th percentile beside it.</param>
/// <param name="BytesPerTx">Growth of the data folder per committed transaction.</param>
/// <param name="FsyncsPerBlock">Null where strace is not installed.</param>
internal sealed record ChainReport(
    double CommittedPerSecond,
    double VerifyPerSecond,
    double Ratio,
    double CommitP50Ms,
    double CommitP99Ms,
    double BlockIntervalMs,
    double PeakRssMb,
    double BytesPerTx,
    double? FsyncsPerBlock,
    double StartToReadyMs,
    int Cores);

/// <summary>A single node and a client on one machine, over loopback gRPC: throughput at saturation, latency at half of it, memory, disk, syncs.</summary>
internal static class ChainBenchmark
{
    private const int People = 1_000;
    private const int SaturatingTransactions = 60_000;
    private const int WarmUpTransactions = 10_000;
    private static readonly TimeSpan PacedDuration = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    public static async Task<ChainReport> Run(CancellationToken cancellation)
    {
        var verifyPerSecond = VerifyLimit.Measure(Environment.ProcessorCount);
        var folder = Directory.CreateTempSubdirectory("vivim-bench-").FullName;
        try
        {
            using var node = new GatewayProcess(GatewayProcess.Find(), folder);
            var start = Stopwatch.StartNew();
            await node.StartAsync(cancellation);
            var startToReady = start.Elapsed.TotalMilliseconds;
            using var client = VivimClient.Connect(node.Node);
            var crowd = await Crowd.Register(client, People, cancellation);
            await using var watch = new CommitWatch(client, (await client.GetStatusAsync(cancellation)).Height + 1);

            await Saturate(client, crowd, watch, WarmUpTransactions, 0, cancellation);
            var bytesBefore = FolderSize(folder);
            var perSecond = await Saturate(client, crowd, watch, SaturatingTransactions, WarmUpTransactions, cancellation);
            var bytesPerTx = (FolderSize(folder) - bytesBefore) / (double)SaturatingTransactions;

            var (p50, p99, interval) = await Paced(client, crowd, watch, perSecond / 2, WarmUpTransactions + SaturatingTransactions, cancellation);
            var peak = PeakRssMb(node.ProcessId);
            var fsyncs = await SyncsPerBlock(node, client, crowd, watch, cancellation);
            return new ChainReport(Round(perSecond), Round(verifyPerSecond), Math.Round(perSecond / verifyPerSecond, 3), Round(p50), Round(p99), Round(interval), Round(peak), Round(bytesPerTx), fsyncs, Round(startToReady), Environment.ProcessorCount);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Submits as fast as the node takes them; the rate is counted from the first block of them to the last.</summary>
    private static async Task<double> Saturate(VivimClient client, Crowd crowd, CommitWatch watch, int count, int alreadySeen, CancellationToken cancellation)
    {
        var follows = crowd.NextFollows(count);
        var blocksBefore = watch.Blocks.Count;
        await Submit(client, follows.ToAsyncEnumerable(), cancellation);
        await watch.WaitFor(alreadySeen + count, Limit);
        var blocks = watch.Blocks.Skip(blocksBefore).Where(b => b.Transactions > 0).ToList();
        return blocks.Count < 2 ? 0 : blocks.Skip(1).Sum(b => b.Transactions) / Stopwatch.GetElapsedTime(blocks[0].At, blocks[^1].At).TotalSeconds;
    }

    /// <summary>Submits at a steady rate and measures from handing a transaction over to seeing its block.</summary>
    private static async Task<(double P50, double P99, double BlockInterval)> Paced(VivimClient client, Crowd crowd, CommitWatch watch, double perSecond, int alreadySeen, CancellationToken cancellation)
    {
        var follows = crowd.NextFollows((int)(perSecond * PacedDuration.TotalSeconds));
        var submitted = new long[follows.Count];
        var blocksBefore = watch.Blocks.Count;
        await Submit(client, Pace(follows, submitted, perSecond, cancellation), cancellation);
        await watch.WaitFor(alreadySeen + follows.Count, Limit);
        var latencies = follows.Select((f, i) => Stopwatch.GetElapsedTime(submitted[i], watch.SeenAt(crowd.IdOf(f).ToString())).TotalMilliseconds).Order().ToList();
        var blocks = watch.Blocks.Skip(blocksBefore).Where(b => b.Transactions > 0).ToList();
        var interval = Stopwatch.GetElapsedTime(blocks[0].At, blocks[^1].At).TotalMilliseconds / (blocks.Count - 1);
        return (latencies[latencies.Count / 2], latencies[latencies.Count * 99 / 100], interval);
    }

    private static async IAsyncEnumerable<TransactionEnvelope> Pace(List<TransactionEnvelope> follows, long[] submitted, double perSecond, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < follows.Count; i++)
        {
            while (clock.Elapsed.TotalSeconds * perSecond < i) await Task.Delay(1, cancellation);
            submitted[i] = Stopwatch.GetTimestamp();
            yield return follows[i];
        }
    }

    private static async Task Submit(VivimClient client, IAsyncEnumerable<TransactionEnvelope> follows, CancellationToken cancellation)
    {
        await foreach (var answer in client.SubmitManyAsync(follows, cancellation))
        {
            if (answer.Refused is { } refused) throw new InvalidOperationException($"a transaction was refused: {refused.Reason}: {refused.Message}");
        }
    }

    private static async Task<double?> SyncsPerBlock(GatewayProcess node, VivimClient client, Crowd crowd, CommitWatch watch, CancellationToken cancellation)
    {
        var follows = crowd.NextFollows(People * 2);
        var blocksBefore = 0;
        var blocks = 0;
        var syncs = await SyncCount.During(node.ProcessId, async () =>
        {
            blocksBefore = watch.Blocks.Count;
            await Submit(client, Pace(follows, new long[follows.Count], 200, cancellation), cancellation);
            blocks = watch.Blocks.Count - blocksBefore;
        });
        return syncs is { } count && blocks > 0 ? Math.Round(count / (double)blocks, 1) : null;
    }

    private static long FolderSize(string folder) => new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);

    internal static double PeakRssMb(int processId)
    {
        var line = File.ReadLines($"/proc/{processId}/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) / 1024.0;
    }

    private static double Round(double value) => Math.Round(value, value < 100 ? 1 : 0);
}
