using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Gateway;

/// <summary>Four operators who do not trust each other, each with a whole node in an actor system of its own, over a network that loses messages.</summary>
[Collection(ClusterCollection.Name)]
public sealed class FourOperatorsTests : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-operators-");
    private readonly SigningKey[] keys = [.. Enumerable.Range(0, 4).Select(i => Person.KeyOf($"operator {i}"))];
    private readonly PeerNetwork network = new(seed: 1) { LossPercent = 10, DuplicatePercent = 10 };
    private readonly OperatorNode[] nodes;

    public FourOperatorsTests()
    {
        var genesis = TestChain.GenesisWith(new ChainParameters { BlockIntervalMs = 250, EmptyBlockIntervalMs = 2_000 }) with
        {
            Validators = [.. keys.Select(key => new GenesisValidator(Did.OfKey(key.PublicKey).ToString(), 1))],
        };
        nodes = [.. keys.Select((key, i) => OperatorNode.Prepare(i, folder, network, genesis, key))];
    }

    public Task InitializeAsync() => Task.WhenAll(nodes.Select(node => node.Start()));

    public async Task DisposeAsync()
    {
        foreach (var node in nodes) await node.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Each_takes_transactions_and_all_execute_the_same_chain_over_a_lossy_network()
    {
        var people = Enumerable.Range(0, 40).Select(i => new Person($"person {i}")).ToList();
        for (var i = 0; i < people.Count; i++) await nodes[i % 4].Submit(people[i].Register());
        await Committed(nodes, people);
        await AssertOneChain(nodes);
    }

    [Fact]
    public async Task Three_go_on_without_the_fourth_which_catches_up_when_it_is_back()
    {
        await Task.WhenAll(nodes.Select(node => node.Reaches(2)));
        await nodes[3].Stop();
        var before = (await nodes[0].Tip()).Height;
        var people = Enumerable.Range(0, 9).Select(i => new Person($"person {i}")).ToList();
        for (var i = 0; i < people.Count; i++) await nodes[i % 3].Submit(people[i].Register());
        await Committed(nodes[..3], people);
        var ahead = (await nodes[0].Reaches(before + 4)).Height;
        await nodes[3].Start();
        await nodes[3].Reaches(ahead);
        await Committed(nodes, people);
        await AssertOneChain(nodes);
    }

    [Fact]
    public async Task Halves_that_cannot_reach_each_other_commit_nothing_and_go_on_when_they_can()
    {
        await Task.WhenAll(nodes.Select(node => node.Reaches(1)));
        foreach (var (from, to) in new[] { (0, 2), (0, 3), (1, 2), (1, 3) })
        {
            network.Cut(from, to);
            network.Cut(to, from);
        }

        // What was under way at the cut may still be committed, once.
        await Task.Delay(TimeSpan.FromSeconds(1));
        var at = await Task.WhenAll(nodes.Select(node => node.Tip()));
        var person = new Person("split");
        await nodes[0].Submit(person.Register());
        await Task.Delay(TimeSpan.FromSeconds(4));
        var later = await Task.WhenAll(nodes.Select(node => node.Tip()));
        Assert.All(at.Zip(later), pair => Assert.Equal(pair.Item1.Height, pair.Item2.Height));

        network.Heal();
        await Committed(nodes, [person]);
        await AssertOneChain(nodes);
    }

    private static async Task Committed(IReadOnlyList<OperatorNode> all, IReadOnlyList<Person> people)
    {
        foreach (var node in all)
        {
            foreach (var person in people) await node.Commits(person.Register());
        }
    }

    /// <summary>The nodes have the same blocks, each certified by a quorum, and no validator has said two things.</summary>
    private async Task AssertOneChain(IReadOnlyList<OperatorNode> all)
    {
        var tips = await Task.WhenAll(all.Select(node => node.Tip()));
        for (var height = 1UL; height <= tips.Min(tip => tip.Height); height++)
        {
            var records = all.Select(node => node.Node.Chain.Read(height)!).ToList();
            Assert.Single(records.Select(record => Hash256.Of(record.Block)).Distinct());
            Assert.All(records, record => Assert.InRange(CommitCertificate.FromBytes(record.Certificate).Signatures.Count, 3, 4));
            Assert.All(records, record => Assert.Equal(records[0].Receipts, record.Receipts));
        }

        Assert.Empty(network.Contradictions());
        Assert.All(all, node => Assert.Null(node.Fault));
    }
}
