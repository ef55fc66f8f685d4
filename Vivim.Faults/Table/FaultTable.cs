using Vivim.Faults.Cluster;
using Vivim.Faults.Processes;

namespace Vivim.Faults.Table;

/// <summary>The faults that a cluster of four must survive.</summary>
internal static class FaultTable
{
    private const string Journal = "journal.sql";

    /// <summary>Its row must never go back in time, so that a backup holds everything but this.</summary>
    private const string SignerTable = "signer*";

    private static readonly TimeSpan RefusalLimit = TimeSpan.FromSeconds(60);

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("1a", "kill -9 of a node, down 20 s", FaultNeeds.Database, run => DownAsync(run, run.Cluster[3])),
        new("1b", "kill -9 of the next proposer's node, down 20 s", FaultNeeds.Database, async run => await DownAsync(run, await run.Cluster.NextProposerAsync(run.Cancellation))),
        new("1c", "kill -9 of the oldest node, down 20 s", FaultNeeds.Database, run => DownAsync(run, run.Cluster[1])),
        new("2a", "a node cut off for 20 s", FaultNeeds.Network, run => CutAsync(run, 3)),
        new("2b", "the oldest node cut off for 20 s", FaultNeeds.Network, run => CutAsync(run, 1)),
        new("3", "partition 2|2 for 25 s", FaultNeeds.Network, PartitionAsync),
        new("4a", "PostgreSQL restarted, then away 30 s", FaultNeeds.Database, DatabaseAwayAsync),
        new("4b", "PostgreSQL frozen for 20 s", FaultNeeds.Database, DatabaseFrozenAsync),
        new("5", "a node frozen for 30 s", FaultNeeds.Database, FrozenAsync),
        new("6", "a node heard by nobody for 25 s", FaultNeeds.Network, SilencedAsync),
        new("7", "disk full on a node for 20 s", FaultNeeds.Root, DiskFullAsync) { Shape = new ClusterShape(SmallDisk: 3) },
        new("8", "a clock 5 s ahead on a node", FaultNeeds.Database, run => run.WaitAsync(25)) { Shape = new ClusterShape(ClockOffsets: new Dictionary<int, TimeSpan> { [2] = TimeSpan.FromSeconds(5) }) },
        new("9", "rolling restart", FaultNeeds.Database, RollingRestartAsync),
        new("10", "all nodes killed at once", FaultNeeds.Database, AllKilledAsync),
        new("11", "a second copy of a node started", FaultNeeds.Database, SecondCopyAsync),
        new("12", "chain.db lost on a node", FaultNeeds.Database, ChainLostAsync),
        new("13", "an old backup of the database restored", FaultNeeds.Database, RestoredAsync),
        new("14", "kill -9 of a node whose worker has tasks, down 20 s", FaultNeeds.Database, WorkerTasks.SurviveAsync),
    ];

    private static async Task DownAsync(FaultRun run, ClusterNode node)
    {
        run.Say($"kill -9 of {node.Name}");
        await node.KillForGoodAsync();
        await run.WaitAsync(20);
        run.Say($"{node.Name} starts again");
        node.Start();
    }

    private static async Task CutAsync(FaultRun run, int node)
    {
        run.Say($"node{node} is cut off");
        await run.Network.CutAsync(node);
        await run.WaitAsync(20);
        await run.Network.HealAsync();
    }

    private static async Task PartitionAsync(FaultRun run)
    {
        run.Say("node1 and node2 | node3 and node4");
        await run.Network.PartitionAsync(1, 2);
        await run.WaitAsync(25);
        await run.Network.HealAsync();
    }

    private static async Task DatabaseAwayAsync(FaultRun run)
    {
        run.Say("PostgreSQL restarts");
        await run.Database.StopAsync(run.Cancellation);
        await run.Database.StartAsync(run.Cancellation);
        await run.WaitAsync(10);
        run.Say("kill -9 of PostgreSQL");
        await run.Database.KillAsync();
        await run.WaitAsync(30);
        run.Say("PostgreSQL starts again");
        await run.Database.StartAsync(run.Cancellation);
    }

    private static async Task DatabaseFrozenAsync(FaultRun run)
    {
        run.Say("PostgreSQL is frozen");
        await run.Database.FreezeAsync();
        await run.WaitAsync(20);
        await run.Database.ThawAsync();
    }

    private static async Task FrozenAsync(FaultRun run)
    {
        run.Say("node2 is frozen");
        await run.Cluster[2].FreezeAsync();
        await run.WaitAsync(30);
        run.Say("node2 goes on");
        await run.Cluster[2].ThawAsync();
        await run.WaitAsync(15);
    }

    private static async Task SilencedAsync(FaultRun run)
    {
        run.Say("nobody hears node2, which hears all");
        await run.Network.SilenceAsync(2);
        await run.WaitAsync(25);
        await run.Network.HealAsync();
    }

    private static async Task DiskFullAsync(FaultRun run)
    {
        var node = run.Cluster[3];
        run.Say("the disk of node3 is full");
        SmallDisk.Fill(node.Data);
        await run.WaitAsync(20);
        run.Say("the disk of node3 has room again");
        SmallDisk.Free(node.Data);
    }

    private static async Task RollingRestartAsync(FaultRun run)
    {
        foreach (var node in run.Cluster.Nodes)
        {
            run.Say($"SIGTERM to {node.Name}");
            var code = await node.StopAsync(run.Cancellation);
            if (code != 0) throw new FaultsException($"{node.Name} ended with {code} on SIGTERM: {node.LastLines()}");
            node.Start();
            await run.Cluster.ReadyAsync(run.Cancellation);
        }
    }

    private static async Task AllKilledAsync(FaultRun run)
    {
        run.Say("kill -9 of all nodes");
        await Task.WhenAll(run.Cluster.Nodes.Select(node => node.KillForGoodAsync()));
        await run.WaitAsync(2);
        foreach (var node in run.Cluster.Nodes) node.Start();
    }

    private static async Task SecondCopyAsync(FaultRun run)
    {
        run.Say("a second node2 starts");
        using var second = run.Cluster[2].LaunchSecond();
        try
        {
            var code = await second.ExitAsync(run.Cancellation).WaitAsync(RefusalLimit, run.Cancellation);
            run.Note($"the second copy ended with {code}: {second.LastLines(1)}");
            if (code == 0) throw new FaultsException("the second copy of node2 ended as if all were well");
        }
        catch (TimeoutException e)
        {
            await second.KillAsync();
            throw new FaultsException($"the second copy of node2 runs: {second.LastLines()}", e);
        }

        await run.WaitAsync(10);
    }

    private static async Task ChainLostAsync(FaultRun run)
    {
        var node = run.Cluster[3];
        await run.WaitAsync(10);
        run.Say("node3 stops and loses its chain");
        await node.StopAsync(run.Cancellation);
        node.WipeChain();
        node.Start();
    }

    /// <summary>As docs/operations.md tells operators to: signer rows are not part of the backup, and come to rest before it is needed.</summary>
    private static async Task RestoredAsync(FaultRun run)
    {
        await run.WaitAsync(5);
        run.Say("the backup is made");
        await run.Database.DumpAsync(Journal, [SignerTable], run.Cancellation);
        await run.WaitAsync(10);
        await run.Traffic.QuiesceAsync(run.Cancellation);
        run.Say("all nodes stop, the backup is restored");
        foreach (var node in run.Cluster.Nodes) await node.StopAsync(run.Cancellation);
        await run.Database.RestoreAsync(Journal, run.Cancellation);
        foreach (var node in run.Cluster.Nodes) node.Start();
        await run.Cluster.ReadyAsync(run.Cancellation);
        run.Traffic.Resume();
        await run.WaitAsync(10);
    }
}
