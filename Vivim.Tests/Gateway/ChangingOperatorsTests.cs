using Vivim.Chain.Ledger;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Gateway;

/// <summary>Seven operators, of whom four validate at first, then all, then four again, while people register.</summary>
[Collection(ClusterCollection.Name)]
public sealed class ChangingOperatorsTests : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-operators-");
    private readonly Person[] validators = [.. Enumerable.Range(0, 7).Select(TestChain.ValidatorOf)];
    private readonly ulong[] nonces = new ulong[7];
    private readonly PeerNetwork network = new(seed: 2);
    private readonly GenesisFile genesis;
    private readonly OperatorNode[] nodes;

    public ChangingOperatorsTests()
    {
        genesis = TestChain.GenesisWith(new ChainParameters { BlockIntervalMs = 250, EmptyBlockIntervalMs = 1_000 }) with
        {
            Validators = [.. validators.Take(4).Select(v => new GenesisValidator(v.KeyDid.ToString(), 1))],
        };
        nodes = [.. validators.Select((v, i) => OperatorNode.Prepare(i, folder, network, genesis, v.Key))];
    }

    public Task InitializeAsync() => Task.WhenAll(nodes.Select(node => node.Start()));

    public async Task DisposeAsync()
    {
        foreach (var node in nodes) await node.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task The_set_grows_and_shrinks_under_load_and_a_proof_made_after_it_verifies_from_the_genesis()
    {
        using var stop = new CancellationTokenSource();
        var load = Load(stop.Token);
        await nodes[0].Reaches(2);
        await Change(4, power: 1, approvers: [0, 1, 2]);
        await Change(5, power: 1, approvers: [0, 1, 2, 3]);
        await Change(6, power: 1, approvers: [0, 1, 2, 3, 4]);
        await ReachesSetOf(7);
        // Every one of the seven is elected now, the new ones too.
        var grown = (await nodes[0].Tip()).Height;
        await nodes[6].Reaches(grown + 8);
        foreach (var removed in new[] { 0, 1, 2 }) await Change(removed, power: 0, approvers: [6, 5, 4, 3, 2]);
        await ReachesSetOf(4);
        var shrunk = (await nodes[3].Tip()).Height;
        await Task.WhenAll(nodes.Select(node => node.Reaches(shrunk + 4)));
        await stop.CancelAsync();
        var registered = await load;

        var tip = await nodes[6].Tip();
        Assert.DoesNotContain(validators[0].Key.PublicKey, Enumerable.Range(0, tip.Validators.Count).Select(i => tip.Validators[i].Key));
        var proposers = Enumerable.Range(1, (int)shrunk).Select(h => Vivim.Protocol.Blocks.Block.FromBytes(nodes[0].Node.Chain.Read((ulong)h)!.Block).Header.Proposer).ToHashSet();
        Assert.Contains(validators[5].Key.PublicKey, proposers);

        var file = await nodes[5].Node.Ledger.Read(ledger => ledger.Prove([StateKey.Account(registered[0].KeyDid)])!);
        Assert.InRange(file.SetChanges.Count, 2, 6);
        Assert.NotNull(Vivim.Protocol.Proofs.ProofFile.FromBytes(file.ToBytes()).Verify(genesis).ValueOf(StateKey.Account(registered[0].KeyDid)));
        foreach (var person in registered) await nodes[3].Commits(person.Register(expiry: 1_000));
        Assert.Empty(network.Contradictions());
    }

    /// <summary>One authority proposes, others approve; all by their own nodes.</summary>
    private async Task Change(int validator, ulong power, int[] approvers)
    {
        var proposer = approvers[0];
        var proposal = validators[proposer].Propose(validators[validator], power, nonces[proposer]++, expiry: 1_000);
        await Submit(proposer, proposal);
        foreach (var approver in approvers[1..].Where(a => a != validator))
            await Submit(approver, validators[approver].Approve(validators[proposer], proposal, nonces[approver]++, expiry: 1_000));
    }

    private async Task Submit(int node, TransactionEnvelope envelope)
    {
        await nodes[node].Submit(envelope);
        await nodes[node].Commits(envelope);
    }

    private async Task ReachesSetOf(int count)
    {
        var tip = await nodes[0].Tip();
        for (var last = tip.Height + 10; tip.Validators.Count != count; tip = await nodes[0].Reaches(tip.Height + 1)) Assert.InRange(tip.Height, 0UL, last);
    }

    private async Task<List<Person>> Load(CancellationToken stop)
    {
        var people = new List<Person>();
        while (!stop.IsCancellationRequested)
        {
            var person = new Person($"loaded {people.Count}");
            await nodes[3].Submit(person.Register(expiry: 1_000));
            people.Add(person);
            await Task.Delay(100, CancellationToken.None);
        }

        return people;
    }
}
