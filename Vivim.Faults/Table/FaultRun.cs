using System.Diagnostics;
using Vivim.Client;
using Vivim.Faults.Cluster;
using Vivim.Faults.Judging;
using Vivim.Faults.Network;
using Vivim.Faults.Postgres;
using Vivim.Faults.Processes;
using Vivim.Faults.Traffic;
using Vivim.Protocol;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Faults.Table;

/// <summary>How the client outside behaves.</summary>
/// <param name="People">Who submit; each has one transaction at a time.</param>
/// <param name="PerSecond">Transactions.</param>
internal sealed record Load(int People = 200, double PerSecond = 50);

/// <summary>A fresh cluster under load in which a fault is made, and the judgement afterwards.</summary>
internal sealed class FaultRun : IAsyncDisposable
{
    private static readonly TimeSpan SettleLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    /// <summary>What a node logs when it has proof that a validator contradicts itself.</summary>
    private const string Equivocation = "has signed two votes";

    private readonly WorkFolder folder;
    private readonly INodeNetwork network;
    private readonly Action<string> say;
    private readonly List<string> notes = [];
    private readonly List<string> failures = [];
    private readonly GenesisFile genesis;
    private readonly long start = Stopwatch.GetTimestamp();

    private FaultRun(WorkFolder folder, INodeNetwork network, PostgresServer database, GatewayCluster cluster, BlockWatch watch, SteadyTraffic traffic, GenesisFile genesis, Action<string> say, CancellationToken cancellation)
    {
        this.folder = folder;
        this.network = network;
        this.genesis = genesis;
        this.say = say;
        Database = database;
        Cluster = cluster;
        Watch = watch;
        Traffic = traffic;
        Cancellation = cancellation;
    }

    public PostgresServer Database { get; }

    public GatewayCluster Cluster { get; }

    public BlockWatch Watch { get; }

    public SteadyTraffic Traffic { get; }

    public CancellationToken Cancellation { get; }

    /// <summary>For faults that need it.</summary>
    public NamespaceNetwork Network => (NamespaceNetwork)network;

    /// <summary>Makes the cluster, registers the people and starts the load.</summary>
    /// <param name="folder">Becomes the run's own.</param>
    public static async Task<FaultRun> StartAsync(ClusterShape shape, Load load, WorkFolder folder, Action<string> say, CancellationToken cancellation)
    {
        var made = new Stack<IAsyncDisposable>([folder]);
        try
        {
            INodeNetwork between = NamespaceNetwork.Missing is null ? await NamespaceNetwork.CreateAsync(shape.Nodes, cancellation) : new LoopbackNetwork(shape.Nodes);
            made.Push(between);
            var database = await PostgresServer.CreateAsync(folder.Folder("postgres"), [between.HostAddress], cancellation);
            made.Push(database);
            var cluster = await GatewayCluster.CreateAsync(shape, folder, between, database, cancellation);
            made.Push(cluster);
            var formation = await cluster.StartAsync(cancellation);
            var clients = cluster.Nodes.Select(node => node.Client).ToList();
            var watch = new BlockWatch(clients);
            made.Push(watch);
            var chain = await clients[0].GetGenesisAsync(cancellation);
            var traffic = await SteadyTraffic.StartAsync(clients, watch, chain.ChainId, load.People, load.PerSecond, cancellation);
            say($"{shape.Nodes} nodes ready after {formation.TotalSeconds:N1} s, {load.PerSecond:N0} transactions/s");
            return new FaultRun(folder, between, database, cluster, watch, traffic, chain, say, cancellation);
        }
        catch
        {
            foreach (var one in made) await one.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets time pass.</summary>
    public Task WaitAsync(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), Cancellation);

    /// <summary>Says what happens now.</summary>
    public void Say(string what) => say($"height {Watch.Height}, {Traffic.Acknowledged.Count} acknowledged: {what}");

    /// <summary>Something for the table's last column.</summary>
    public void Note(string note) => notes.Add(note);

    /// <summary>Makes the fault and judges; never throws for what the cluster does wrong.</summary>
    public async Task<FaultReport> ReportAsync(Fault fault)
    {
        await AttemptAsync(async () =>
        {
            await WaitAsync(3);
            await fault.Make(this);
        });
        Say("healed");
        if (network is NamespaceNetwork namespaces) await namespaces.HealAsync();
        foreach (var node in Cluster.Nodes.Where(node => !node.IsSupervised)) node.Start();
        await AttemptAsync(async () =>
        {
            await Cluster.ReadyAsync(Cancellation);
            await WaitAsync(5);
        });
        await Traffic.StopAsync(SettleLimit);
        var acknowledged = Traffic.Acknowledged;
        await Watch.CommittedAsync(acknowledged, SettleLimit, Cancellation);
        var (pause, pausedBefore) = Watch.LongestPause(start, Stopwatch.GetTimestamp());
        await AttemptAsync(EveryoneCatchesUpAsync);
        var dropped = await DroppedAsync(acknowledged.Where(id => Watch.CommittedAt(id) is null));
        var verdict = ChainJudge.Judge(genesis, acknowledged, dropped, await ChainsAsync());
        failures.AddRange(verdict.Findings);
        NoteWhatWasSeen();
        notes.Add($"longest pause before height {pausedBefore} of {Watch.Height}");
        return new FaultReport(
            fault.Number, fault.Name, verdict.Acknowledged, verdict.Lost, verdict.Duplicated, verdict.Conflicting, (long)pause.TotalMilliseconds,
            Failed: failures.Count > 0, Skipped: false, [.. failures, .. notes]);
    }

    public async ValueTask DisposeAsync()
    {
        await Traffic.DisposeAsync();
        await Watch.DisposeAsync();
        await Cluster.DisposeAsync();
        await Database.DisposeAsync();
        await network.DisposeAsync();
        await folder.DisposeAsync();
    }

    /// <summary>Which of these transactions a pool has dropped, as a node says, and why.</summary>
    private async Task<IReadOnlyDictionary<Hash256, string>> DroppedAsync(IEnumerable<Hash256> ids)
    {
        var dropped = new Dictionary<Hash256, string>();
        foreach (var id in ids)
        {
            try
            {
                var answer = await Cluster.Nodes[0].Client.GetTransactionAsync(id, Cancellation);
                if (answer.State == V1.TransactionState.Dropped) dropped[id] = answer.Dropped.Reason;
            }
            catch (VivimException)
            {
                // Without an answer it counts as lost.
            }
        }

        return dropped;
    }

    private async Task AttemptAsync(Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (FaultsException e)
        {
            say($"FAILED: {e.Message}");
            failures.Add(e.Message);
        }
    }

    /// <summary>Waits until all nodes have the highest block there is now.</summary>
    private async Task EveryoneCatchesUpAsync()
    {
        var height = Watch.Height;
        var clock = Stopwatch.StartNew();
        foreach (var node in Cluster.Nodes)
        {
            while (await HeightOfAsync(node) is var at && at < height)
            {
                if (clock.Elapsed > SettleLimit) throw new FaultsException($"{node.Name} is still at height {at} of {height} after {SettleLimit.TotalSeconds:N0} s: {node.LastLines()}");
                await Task.Delay(Poll, Cancellation);
            }
        }
    }

    private async Task<ulong> HeightOfAsync(ClusterNode node)
    {
        try
        {
            return (await node.Client.GetStatusAsync(Cancellation)).Height;
        }
        catch (VivimException)
        {
            return 0;
        }
    }

    private async Task<IReadOnlyList<NodeChain>> ChainsAsync()
    {
        var chains = new List<NodeChain>();
        foreach (var node in Cluster.Nodes)
        {
            try
            {
                chains.Add(await NodeChain.ReadAsync(node.Name, node.Client, Cancellation));
            }
            catch (Exception e) when (e is VivimException or MalformedException)
            {
                failures.Add($"the chain of {node.Name} cannot be read: {e.Message}");
            }
        }

        return chains;
    }

    private void NoteWhatWasSeen()
    {
        foreach (var node in Cluster.Nodes)
        {
            if (node.Restarts > 0) notes.Add($"{node.Name} started again {node.Restarts} times");
            if (node.Logs.Any(log => File.ReadLines(log).Any(line => line.Contains(Equivocation, StringComparison.Ordinal)))) failures.Add($"{node.Name} has seen a validator sign twice");
        }

        if (Traffic.Refusals.Count > 0) notes.Add("refused: " + string.Join(", ", Traffic.Refusals.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => $"{r.Key} {r.Value}")));
        if (Traffic.Unanswered > 0) failures.Add($"{Traffic.Unanswered} transactions were never answered");
    }
}
