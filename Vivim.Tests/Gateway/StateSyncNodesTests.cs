using Akka.Actor;
using Vivim.Actors.Workers;
using Vivim.Chain.Ledger;
using Vivim.Chain.StateSync;
using Vivim.Gateway.Workers;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.State;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Gateway;

/// <summary>Four whole nodes of different operators, one of which has lost its chain and gets the state from the others.</summary>
[Collection(ClusterCollection.Name)]
public sealed class StateSyncNodesTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly (string, string)[] Settings = [("state-sync.every", "5"), ("state-sync.least-ahead", "2")];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-state-sync-");
    private readonly SigningKey[] keys = [.. Enumerable.Range(0, 4).Select(i => Person.KeyOf($"operator {i}"))];
    private readonly PeerNetwork network = new(seed: 1);
    private readonly OperatorNode[] nodes;

    public StateSyncNodesTests()
    {
        var genesis = TestChain.GenesisWith(new ChainParameters { BlockIntervalMs = 250, EmptyBlockIntervalMs = 500 }) with
        {
            Validators = [.. keys.Select(key => new GenesisValidator(Did.OfKey(key.PublicKey).ToString(), 1))],
        };
        nodes = [.. keys.Select((key, i) => OperatorNode.Prepare(i, folder, network, genesis, key))];
    }

    public Task InitializeAsync() => Task.WhenAll(nodes.Select(node => node.Start(Settings)));

    public async Task DisposeAsync()
    {
        foreach (var node in nodes) await node.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_node_that_lost_its_chain_gets_the_state_names_who_poisons_it_and_votes_again()
    {
        var people = Enumerable.Range(0, 30).Select(i => new Person($"person {i}")).ToList();
        for (var i = 0; i < people.Count; i++) await nodes[i % 4].Submit(people[i].Register());
        foreach (var person in people) await nodes[0].Commits(person.Register());
        await nodes[3].Stop();
        var before = (await nodes[0].Tip()).Height + 1;
        nodes[3].ForgetChain();
        await Eventually.Async(async () => (await StatusOf(nodes[0])).Newest?.Height > before && (await StatusOf(nodes[1])).Newest?.Height > before && (await StatusOf(nodes[2])).Newest?.Height > before);

        var poisoner = -1;
        network.Tamper = (from, message) =>
        {
            if (message is not SyncMessage.Chunk chunk || Interlocked.CompareExchange(ref poisoner, from, -1) is not -1 and var other && other != from) return message;
            var body = chunk.Body.ToArray();
            body[body.Length / 2] ^= 1;
            return chunk with { Body = body };
        };
        await nodes[3].Start(Settings);
        var status = await StatusOf(nodes[3]);
        Assert.InRange(status.Result!.Height, before, ulong.MaxValue);
        Assert.Equal($"{poisoner}", Assert.Single(status.Refused).Peer.Value);
        Assert.Equal(status.Result.Height, nodes[3].Node.Chain.Heights().Oldest);
        var serving = await Task.WhenAll(nodes[..3].Select(StatusOf));
        Assert.Equal(status.Result.Bytes, serving.Where((_, i) => i != poisoner).Sum(s => s.BytesServed));

        // Three of four are a quorum only with the one that came back.
        var ahead = (await nodes[0].Reaches(status.Result.Height + 2)).Height;
        await nodes[3].Reaches(ahead);
        await nodes[2].Stop();
        var late = new Person("late");
        await nodes[3].Submit(late.Register());
        await nodes[0].Commits(late.Register());
        var common = (await nodes[3].Reaches((await nodes[0].Tip()).Height)).Height;
        for (var height = status.Result.Height; height <= common; height++) Assert.Equal(Hash256.Of(nodes[0].Node.Chain.Read(height)!.Block), Hash256.Of(nodes[3].Node.Chain.Read(height)!.Block));
        Assert.NotNull(await nodes[3].Node.Ledger.Read(ledger => ledger.Prove([StateKey.Identity(people[0].Did)])!.Verify(nodes[3].Node.Genesis)));
        Assert.Empty(network.Contradictions());
        Assert.All(nodes, node => Assert.Null(node.Fault));

        var health = await new StateSyncWorker(nodes[3].Node.StateSync).CheckHealth(CancellationToken.None);
        Assert.Equal(HealthStatus.Healthy, health.Status);
        Assert.Contains($"came up from height {status.Result.Height}", health.Message, StringComparison.Ordinal);
        Assert.Contains($"1 peers refused: {poisoner}", health.Message, StringComparison.Ordinal);

        // Once more on its own data: it goes on where it was, and needs no snapshot.
        await nodes[2].Start(Settings);
        await nodes[3].Stop();
        await nodes[3].Start(("state-sync.every", "5"), ("state-sync.least-ahead", "1000"));
        Assert.Null((await StatusOf(nodes[3])).Result);
        await nodes[3].Reaches(common + 1);
    }

    private static Task<StateSyncStatus> StatusOf(OperatorNode node) => node.Node.StateSync.Ask<StateSyncStatus>(new ReadStateSync(), Patience);
}
