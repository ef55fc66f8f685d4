using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Vivim.Cli;
using Vivim.Cli.Keys;
using Vivim.Cli.Load;
using Vivim.Client;
using Vivim.Faults.Cluster;
using Vivim.Faults.Network;
using Vivim.Faults.Postgres;
using Vivim.Faults.Processes;
using Vivim.Protocol.Keys;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Benchmarks;

/// <summary>
/// The real graph goes into a cluster of four processes by gRPC; then one of them loses all its data and comes up again over the network: by a
/// snapshot, by a snapshot between liars, and by all blocks. Throws where a start is not what it is to be.
/// </summary>
internal sealed partial class ClusterStateSyncBenchmark : IAsyncDisposable
{
    private const ulong Every = 25;
    private const int Asked = 1, Damaged = 2, Fresh = 3;
    private const int Accounts = 100;
    // Plain connections: the member that poisons has no certificate.
    private static readonly string Settings = $"state-sync {{ every = {Every}, least-ahead = 10 }}\ncluster.insecure-bind = true";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly WorkFolder folder;
    private readonly GatewayCluster cluster;
    private readonly SigningKey operatorKey;
    private readonly CancellationToken cancellation;

    private ClusterStateSyncBenchmark(WorkFolder folder, GatewayCluster cluster, CancellationToken cancellation)
    {
        this.folder = folder;
        this.cluster = cluster;
        this.cancellation = cancellation;
        operatorKey = cluster.OperatorKey();
    }

    private ClusterNode Node => cluster[Fresh];

    private ClusterNode Peer => cluster[Asked];

    /// <param name="graphFile">An edge list.</param>
    /// <param name="keep">Where to leave settings, databases and logs; null deletes them.</param>
    public static async Task<ClusterStateSyncReport> Run(string graphFile, string? keep, CancellationToken cancellation)
    {
        await WorkFolder.RemoveStaleAsync();
        await using var work = await WorkFolder.CreateAsync(keep);
        var shape = new ClusterShape(Settings: Settings);
        await using var network = new LoopbackNetwork(shape.Nodes);
        await using var database = await PostgresServer.CreateAsync(work.Folder("postgres"), [network.HostAddress], cancellation);
        await using var nodes = await GatewayCluster.CreateAsync(shape, work, network, database, cancellation);
        await nodes.StartAsync(cancellation);
        using var text = File.OpenText(graphFile);
        await using var run = new ClusterStateSyncBenchmark(work, nodes, cancellation);
        return await run.MeasureAsync(GraphFile.Parse(text));
    }

    public ValueTask DisposeAsync()
    {
        operatorKey.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<ClusterStateSyncReport> MeasureAsync(FollowGraph graph)
    {
        var load = await new GraphLoad(Peer.Client, graph, TimeProvider.System).RunAsync(static (_, _, _) => { }, cancellation);
        if (!load.IsComplete || load.Committed != graph.EdgeCount) throw new InvalidOperationException($"{load.Committed} of {graph.EdgeCount} follows are in force, {load.Rejected} rejected, {load.Lost} lost");
        var snapshot = await AwaitSnapshotAsync(load.Height);

        await Node.StopAsync(cancellation);
        var restart = await StartAsync();
        var bySnapshot = await BringUpAsync(snapshot);
        var verify = await VerifyAsync(Node);
        var proven = await ProveAsync(graph);
        var poisoned = await BringUpPoisonedAsync(snapshot);
        Node.Set("state-sync.enabled", "false");
        var byBlocks = await BringUpAsync(snapshot: null);
        var whole = await VerifyAsync(Peer, "--json");
        if (verify.ExitCode == 0 || whole.ExitCode != 0) throw new InvalidOperationException($"chain verify: {verify.Text}; {whole.Text}");

        var status = await Node.Client.GetStatusAsync(cancellation);
        var verified = System.Text.Json.JsonDocument.Parse(whole.Text).RootElement;
        if (verified.GetProperty("stateRoot").GetString() != status.StateRoot) throw new InvalidOperationException($"all blocks give {whole.Text}, the fresh node has {status.StateRoot}");
        return new ClusterStateSyncReport(
            graph.People.Count, graph.EdgeCount, status.StateKeys, load.Seconds, load.TxPerSecond, load.Height, snapshot, restart, bySnapshot, byBlocks,
            Math.Round(byBlocks.StartToReadyMs / bySnapshot.StartToReadyMs, 1), Math.Round((byBlocks.StartToReadyMs - restart) / (bySnapshot.StartToReadyMs - restart), 1),
            poisoned, verify, verified.GetProperty("height").GetUInt64(), proven, status.StateRoot, Environment.ProcessorCount);
    }

    /// <summary>Lets the chain go on until a snapshot of all of a height is due and certified, and waits until every node but one offers it.</summary>
    private async Task<ulong> AwaitSnapshotAsync(ulong loaded)
    {
        var height = (loaded + Every - 1) / Every * Every;
        while ((await Peer.Client.GetStatusAsync(cancellation)).Height <= height) await Crowd.Register(Peer.Client, 1, cancellation);
        foreach (var node in cluster.Nodes) await UntilAsync(async () => (await ReportAsync(node)).Contains($"offers height {height} ", StringComparison.Ordinal), $"{node.Name} offers a snapshot of height {height}");
        return height;
    }

    private async Task<double> StartAsync()
    {
        var clock = Stopwatch.StartNew();
        Node.Start();
        await cluster.ReadyAsync(cancellation);
        return Math.Round(clock.Elapsed.TotalMilliseconds);
    }

    /// <summary>Stops the node, deletes all it has, starts it, and compares it with another.</summary>
    /// <param name="snapshot">The height of the snapshot that it is to take; null for none.</param>
    private async Task<FreshNode> BringUpAsync(ulong? snapshot)
    {
        if (Node.IsSupervised) await Node.StopAsync(cancellation);
        Node.Wipe();
        var took = await StartAsync();
        var (height, root) = await AgreedAsync();
        var oldest = (await Node.Client.GetStatusAsync(cancellation)).OldestHeight;
        var report = await ReportAsync(Node);
        var fetched = Fetched(report);
        if (fetched?.Height != snapshot || oldest != (snapshot ?? 1)) throw new InvalidOperationException($"{Node.Name} has blocks from {oldest} on: {report}");
        return new FreshNode(took, fetched, oldest, height, root, report);
    }

    /// <summary>The same, while a member poisons what it sends, and the snapshots of another node are damaged on its disk.</summary>
    private async Task<PoisonedStart> BringUpPoisonedAsync(ulong snapshot)
    {
        await Node.StopAsync(cancellation);
        var copy = folder.Folder("poisoner");
        foreach (var file in Directory.GetFiles(Path.Combine(Peer.Data, "snapshots"))) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        foreach (var file in Directory.GetFiles(Path.Combine(cluster[Damaged].Data, "snapshots"), "*.chunks")) await File.WriteAllBytesAsync(file, [.. File.ReadAllBytes(file).Select(b => (byte)~b)], cancellation);
        var leader = (await Peer.Client.Operate(operatorKey).GetLeaderAsync(cancellation)).Leader;
        await using var poisoner = await PoisoningPeer.JoinAsync(leader, copy, cancellation);
        var node = await BringUpAsync(snapshot);
        if (!node.Snapshot!.Refused.SequenceEqual([poisoner.Address])) throw new InvalidOperationException($"{poisoner.Address} has sent {poisoner.Sent} poisoned chunks; {node.Report}");
        return new PoisonedStart(node, poisoner.Address, poisoner.Sent, LogLine(Node, "is refused")!, LogLine(cluster[Damaged], "damaged"));
    }

    private static string? LogLine(ClusterNode node, string about) =>
        node.Logs.SelectMany(File.ReadLines).FirstOrDefault(line => line.Contains(about, StringComparison.Ordinal))?.Trim();

    /// <summary>Waits until the fresh node is at a height with another one.</summary>
    /// <exception cref="InvalidOperationException">They differ there.</exception>
    private async Task<(ulong Height, string StateRoot)> AgreedAsync()
    {
        V1.GetStatusResponse? fresh = null, other = null;
        await UntilAsync(
            async () =>
            {
                fresh = await Node.Client.GetStatusAsync(cancellation);
                other = await Peer.Client.GetStatusAsync(cancellation);
                return fresh.Height == other.Height;
            },
            "both nodes are at a height");
        return (fresh!.BlockId, fresh.StateRoot) == (other!.BlockId, other.StateRoot) ? (fresh.Height, fresh.StateRoot) : throw new InvalidOperationException($"at height {fresh.Height} {Node.Name} has {fresh}, {Peer.Name} {other}");
    }

    /// <summary>The state sync worker's report of a node.</summary>
    private async Task<string> ReportAsync(ClusterNode node)
    {
        var workers = Peer.Client.OperateWorkers(operatorKey);
        var task = $"measured-{Guid.NewGuid():N}";
        V1.WorkerTask? done = null;
        await UntilAsync(
            async () =>
            {
                try
                {
                    // The same again tells how far it is.
                    done = (await workers.SubmitTaskAsync($"statesync-{node.Name}", task, "report", cancellationToken: cancellation)).Task;
                    return done.Phase == V1.TaskPhase.Done;
                }
                catch (VivimException e) when (e.Reason == "WORKER_AWAY" || e.OutcomeUnknown)
                {
                    // A node that has just become ready may host its workers a moment later.
                    return false;
                }
            },
            $"{node.Name} reports");
        return done!.Outcome;
    }

    private async Task<CommandAnswer> VerifyAsync(ClusterNode node, params IEnumerable<string> options)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await new VivimCommand(new KeyStore(folder.PathOf("keys")), output, error).RunAsync(["chain", "verify", "--node", node.Address.Grpc.OriginalString, .. options], cancellation);
        return new CommandAnswer(code, $"{output}{error}".Trim());
    }

    /// <summary>Reads accounts at the fresh node, trusting the genesis alone.</summary>
    private async Task<int> ProveAsync(FollowGraph graph)
    {
        var genesis = await Peer.Client.GetGenesisAsync(cancellation);
        var people = new GraphPeople(graph);
        await Node.Client.AwaitCertifiedAsync(cancellation);
        for (var person = 0; person < Accounts; person++)
        {
            var account = (await Node.Client.ProveAccountAsync(people.DidOf(person), genesis, cancellation)).Account;
            if (account.Following != (ulong)graph.Follows[person].Count) throw new InvalidOperationException($"{graph.People[person]} follows {account.Following}, not {graph.Follows[person].Count}");
        }

        return Accounts;
    }

    private Task UntilAsync(Func<Task<bool>> condition, string what) => Wait.UntilAsync(condition, Limit, what, cancellation);

    private static FetchedSnapshot? Fetched(string report)
    {
        if (CameUp().Match(report) is not { Success: true } match) return null;
        return new FetchedSnapshot(
            ulong.Parse(match.Groups["height"].Value, CultureInfo.InvariantCulture), double.Parse(match.Groups["seconds"].Value, CultureInfo.InvariantCulture),
            int.Parse(match.Groups["chunks"].Value, CultureInfo.InvariantCulture), long.Parse(match.Groups["bytes"].Value, CultureInfo.InvariantCulture),
            match.Groups["refused"].Value.Split(", ", StringSplitOptions.RemoveEmptyEntries));
    }

    [GeneratedRegex(@"came up from height (?<height>\d+) in (?<seconds>[\d.]+) s: (?<chunks>\d+) chunks, \d+ of them from before, (?<bytes>\d+) bytes received(, \d+ peers refused: (?<refused>[^;]+))?", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex CameUp();
}
