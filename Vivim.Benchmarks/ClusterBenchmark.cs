using System.Diagnostics;
using Vivim.Client;
using Vivim.Faults.Cluster;
using Vivim.Faults.Network;
using Vivim.Faults.Postgres;
using Vivim.Faults.Processes;
using Vivim.Faults.Traffic;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;

namespace Vivim.Benchmarks;

/// <summary>What `-- cluster` prints.</summary>
/// <param name="CommittedPerSecond">At saturation, four nodes, PostgreSQL and client on this machine.</param>
/// <param name="CommitP50Ms">From first sending a transaction to seeing its block at any node, at half of saturation; the 99th percentile beside it.</param>
/// <param name="PauseAfterKillMs">The longest time without a block after kill -9 of a node.</param>
/// <param name="FailoverMs">From the kill to a block that the dead node's validator, now elsewhere, has signed; null when there was none within a minute.</param>
/// <param name="FormationMs">From starting four processes to all of them being ready.</param>
/// <param name="RssPerNodeMb">The largest resident set that any node has had.</param>
internal sealed record ClusterReport(
    double CommittedPerSecond, double CommitP50Ms, double CommitP99Ms, double PauseAfterKillMs, double? FailoverMs, double FormationMs, double RssPerNodeMb, int Cores)
{
    public ClusterLimits Limits { get; } = new();

    public bool WithinLimits =>
        CommittedPerSecond >= Limits.CommittedPerSecond && CommitP99Ms <= Limits.CommitP99Ms && FailoverMs <= Limits.FailoverMs && FormationMs <= Limits.FormationMs && RssPerNodeMb <= Limits.RssPerNodeMb;
}

/// <summary>What is aimed at: the first at least, the others at most.</summary>
internal sealed record ClusterLimits(double CommittedPerSecond = 800, double CommitP99Ms = 3_000, double FailoverMs = 15_000, double FormationMs = 10_000, double RssPerNodeMb = 400);

/// <summary>Four nodes that share a PostgreSQL, a validator each, over loopback: throughput, latency, what a killed node costs.</summary>
internal static class ClusterBenchmark
{
    /// <summary>A multiple of the nodes, so that everybody sends all to one node and in order.</summary>
    private const int People = 1_000;

    private const int WarmUpTransactions = 4_000;
    private const int SaturatingTransactions = 20_000;
    private const double PerSecondAtKill = 50;
    private const int Killed = 3;
    private static readonly TimeSpan PacedDuration = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan KillDuration = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public static async Task<ClusterReport> Run(CancellationToken cancellation)
    {
        await WorkFolder.RemoveStaleAsync();
        await using var folder = await WorkFolder.CreateAsync();
        var shape = new ClusterShape();
        await using var network = new LoopbackNetwork(shape.Nodes);
        await using var database = await PostgresServer.CreateAsync(folder.Folder("postgres"), [network.HostAddress], cancellation);
        await using var cluster = await GatewayCluster.CreateAsync(shape, folder, network, database, cancellation);
        var formation = await cluster.StartAsync(cancellation);
        var nodes = cluster.Nodes.Select(node => node.Client).ToList();
        var genesis = await nodes[0].GetGenesisAsync(cancellation);

        var perSecond = await Saturate(nodes, cancellation);
        await using var watch = new BlockWatch(nodes);
        await watch.ReachesAsync((await nodes[0].GetStatusAsync(cancellation)).Height, Limit, cancellation);
        var (p50, p99) = await Paced(nodes, watch, genesis.ChainId, perSecond / 2, cancellation);
        var rss = cluster.Nodes.Max(node => ChainBenchmark.PeakRssMb(node.ProcessId));
        var (pause, failover) = await Kill(cluster, watch, genesis, cancellation);
        return new ClusterReport(Math.Round(perSecond), p50, p99, pause, failover, Math.Round(formation.TotalMilliseconds), Math.Round(rss), Environment.ProcessorCount);
    }

    /// <summary>Submits as fast as the nodes take them, a quarter to each; the rate is counted from the first block of them to the last.</summary>
    private static async Task<double> Saturate(IReadOnlyList<VivimClient> nodes, CancellationToken cancellation)
    {
        var crowd = await Crowd.Register(nodes[0], People, cancellation);
        await using var watch = new CommitWatch(nodes[0], (await nodes[0].GetStatusAsync(cancellation)).Height + 1);
        await Submit(WarmUpTransactions);
        await watch.WaitFor(WarmUpTransactions, Limit);
        var blocksBefore = watch.Blocks.Count;
        await Submit(SaturatingTransactions);
        await watch.WaitFor(WarmUpTransactions + SaturatingTransactions, Limit);
        var blocks = watch.Blocks.Skip(blocksBefore).Where(b => b.Transactions > 0).ToList();
        return blocks.Skip(1).Sum(b => b.Transactions) / Stopwatch.GetElapsedTime(blocks[0].At, blocks[^1].At).TotalSeconds;

        Task Submit(int count)
        {
            var follows = crowd.NextFollows(count);
            return Task.WhenAll(nodes.Select(async (node, own) =>
            {
                await foreach (var answer in node.SubmitManyAsync(follows.Where((_, i) => i % nodes.Count == own).ToAsyncEnumerable(), cancellation))
                {
                    if (answer.Refused is { } refused) throw new InvalidOperationException($"a transaction was refused: {refused.Reason}: {refused.Message}");
                }
            }));
        }
    }

    private static async Task<(double P50, double P99)> Paced(IReadOnlyList<VivimClient> nodes, BlockWatch watch, string chainId, double perSecond, CancellationToken cancellation)
    {
        await using var traffic = await SteadyTraffic.StartAsync(nodes, watch, chainId, People, perSecond, cancellation);
        await Task.Delay(PacedDuration, cancellation);
        await traffic.StopAsync(Limit);
        await watch.CommittedAsync(traffic.Acknowledged, Limit, cancellation);
        var latencies = traffic.Submitted.Select(s => Stopwatch.GetElapsedTime(s.At, watch.CommittedAt(s.Id)!.Value).TotalMilliseconds).Order().ToList();
        return (Math.Round(latencies[latencies.Count / 2]), Math.Round(latencies[latencies.Count * 99 / 100]));
    }

    private static async Task<(double Pause, double? Failover)> Kill(GatewayCluster cluster, BlockWatch watch, GenesisFile genesis, CancellationToken cancellation)
    {
        await using var traffic = await SteadyTraffic.StartAsync([.. cluster.Nodes.Select(node => node.Client)], watch, genesis.ChainId, People, PerSecondAtKill, cancellation);
        await Task.Delay(TimeSpan.FromSeconds(5), cancellation);
        // The votes for the next height may have been sent already.
        var first = watch.Height + 2;
        var killed = Stopwatch.GetTimestamp();
        await cluster[Killed].KillForGoodAsync();
        var validator = genesis.ValidatorSet.IndexOf(cluster.ValidatorOf(Killed));
        SeenBlock? signed = null;
        while (signed is null && Stopwatch.GetElapsedTime(killed) < KillDuration)
        {
            await Task.Delay(100, cancellation);
            signed = watch.Blocks.FirstOrDefault(b => b.Height >= first && CommitCertificate.FromBytes(b.Certificate.Span).Signatures.Any(s => s.ValidatorIndex == validator));
        }

        var (pause, _) = watch.LongestPause(killed, Stopwatch.GetTimestamp());
        return (Math.Round(pause.TotalMilliseconds), signed is null ? null : Math.Round(Stopwatch.GetElapsedTime(killed, signed.At).TotalMilliseconds));
    }
}
