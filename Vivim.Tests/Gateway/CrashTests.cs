using Vivim.Protocol.Genesis;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Gateway;

/// <summary>What was acknowledged survives: the process killed, and the power cut.</summary>
[Collection(NodeCollection.Name)]
public sealed class CrashTests
{
    private const string Quick = "genesis.block-interval = 250ms";
    private const int People = 8;
    private const int Each = 400;
    private const int Crashes = 3;

    [Fact]
    public async Task Nothing_acknowledged_is_lost_and_nothing_is_done_twice_when_the_node_is_killed_under_load()
    {
        using var files = new NodeFiles();

        await LoadAcrossCrashesAsync(files, () => NodeProcess.StartAsync(files, Quick), node => node.KillAsync());
    }

    [PowerLossFact]
    public async Task Nothing_acknowledged_is_lost_when_the_power_fails_under_load()
    {
        using var files = new NodeFiles();
        var disk = await PowerLoss.PrepareAsync(files);

        await LoadAcrossCrashesAsync(files, () => NodeProcess.StartAsync(disk.Start(Quick)), disk.CutAsync);
    }

    /// <summary>The power fails as soon as a file of the first start is there; whatever the disk holds then, the next start is a good one.</summary>
    [PowerLossTheory]
    [InlineData("keys/validator.key")]
    [InlineData("genesis")]
    [InlineData("chain.db")]
    [InlineData("journal-consensus.db")]
    [InlineData("journal-pool.db-wal")]
    public async Task A_first_start_that_the_power_cuts_short_can_be_made_again(string moment)
    {
        using var files = new NodeFiles();
        var disk = await PowerLoss.PrepareAsync(files);
        await using (var first = NodeProcess.Launch(disk.Start(Quick)))
        {
            while (!File.Exists(Path.Combine(files.Data, moment))) await Task.Delay(1);
            await disk.CutAsync(first);
        }

        var promised = File.Exists(files.Genesis) ? await File.ReadAllBytesAsync(files.Genesis) : null;
        await using var second = await NodeProcess.StartAsync(disk.Start(Quick));
        using var person = await TestPerson.RegisteredAsync(second);

        if (promised is not null) Assert.Equal(promised, await File.ReadAllBytesAsync(files.Genesis));
        await second.StopAsync();
    }

    private static async Task LoadAcrossCrashesAsync(NodeFiles files, Func<Task<NodeProcess>> start, Func<NodeProcess, Task> crash)
    {
        var random = new Random(5);
        var node = await start();
        try
        {
            var genesis = GenesisFile.FromJson(await File.ReadAllBytesAsync(files.Genesis));
            using var load = await FollowLoad.PrepareAsync(node, People, Each);
            for (var i = 1; i <= Crashes; i++)
            {
                var enough = load.Transactions.Count * i / (Crashes + 1) - random.Next(200);
                await load.SendAsync(node, until: () => load.Acknowledged.Count >= enough);
                Assert.False(load.IsAcknowledged, "the crash must come in the middle");
                // Sometimes in the middle of a commit, sometimes between two.
                await Task.Delay(random.Next(300));
                await crash(node);
                await node.DisposeAsync();
                node = await start();
            }

            await load.FinishAsync(node);
            await crash(node);
            await node.DisposeAsync();
            node = await start();

            var chain = await DownloadedChain.VerifyAsync(node, genesis);
            Assert.Equal(load.Transactions.Count, load.Acknowledged.Count);
            Assert.All(load.Acknowledged, id => Assert.Equal(ReceiptCode.Ok, Assert.Single(chain.Receipts[id]).Code));
            Assert.Equal(load.Transactions.Count + People, chain.Receipts.Count);
        }
        finally
        {
            await node.DisposeAsync();
        }
    }
}
