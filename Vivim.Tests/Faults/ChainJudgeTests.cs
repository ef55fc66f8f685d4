using Vivim.Faults.Judging;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Faults;

/// <summary>The judge of the faults finds what is wrong in doctored chains, and nothing in a good one.</summary>
public sealed class ChainJudgeTests
{
    private static readonly Person Alice = new("alice");
    private static readonly Person Bob = new("bob");

    private static readonly Dictionary<Hash256, string> Nothing = [];

    private readonly TestChain chain = new();

    [Fact]
    public void Chains_that_agree_and_hold_what_was_acknowledged_are_clean()
    {
        var all = Build();

        var verdict = Judge(all, Of("node1"), Of("node2", blocks: 2));

        Assert.True(verdict.IsClean, string.Join("; ", verdict.Findings));
        Assert.Equal((3, 0), (verdict.Acknowledged, verdict.Findings.Count));
    }

    [Fact]
    public void An_acknowledged_transaction_that_is_nowhere_is_lost()
    {
        var all = Build();
        var never = Bob.Follow(Alice.Did, 0);

        var verdict = Judge([.. all, never], Of("node1"));

        Assert.Equal((1, 0, 0), (verdict.Lost, verdict.Duplicated, verdict.Conflicting));
        Assert.Contains(never.IdOn(TestChain.ChainId).ToString(), verdict.Findings[0], StringComparison.Ordinal);
    }

    /// <summary>Nothing was promised of it, but the chain has it twice: no correct validator lets that pass, so that the chain does not verify either.</summary>
    [Fact]
    public void A_transaction_in_two_blocks_is_duplicated()
    {
        var all = Build();
        var again = chain.Make(all[^1]);

        var verdict = Judge(all, With("node1", new CertifiedBlock(again, chain.CertificateOf(again))));

        Assert.Equal((0, 1), (verdict.Lost, verdict.Duplicated));
        Assert.Equal(1, verdict.Conflicting);
    }

    [Fact]
    public void Two_blocks_of_one_height_are_conflicting_though_each_has_a_certificate()
    {
        Build();
        var one = chain.Make(Bob.Follow(Alice.Did, 0));
        var other = chain.Make();

        var verdict = Judge([], With("node1", Certified(one)), With("node2", Certified(other)));

        Assert.Equal(1, verdict.Conflicting);
        Assert.Contains("the first 4", verdict.Findings[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_for_another_block_is_conflicting()
    {
        Build();
        var one = chain.Make(Bob.Follow(Alice.Did, 0));

        var verdict = Judge([], With("node1", new CertifiedBlock(one, chain.CertificateOf(chain.Make()))));

        Assert.Contains(verdict.Findings, finding => finding.Contains("more than one block", StringComparison.Ordinal));
        Assert.Contains(verdict.Findings, finding => finding.StartsWith("node1 has a block at height 4", StringComparison.Ordinal));
    }

    [Fact]
    public void A_block_without_a_quorum_is_conflicting()
    {
        Build();
        var block = chain.Make();

        Assert.Equal(1, Judge([], With("node1", new CertifiedBlock(block, chain.CertificateOf(block, missing: 0)))).Conflicting);
    }

    [Fact]
    public void A_node_that_states_another_root_than_its_blocks_give_is_conflicting()
    {
        Build();

        var verdict = Judge([], Of("node1"), Of("node2") with { StatedRoot = Hash256.Zero.ToString() });

        Assert.Equal(["node2 states another state root at height 3 than its blocks give"], verdict.Findings);
        Assert.Equal(1, verdict.Conflicting);
    }

    [Fact]
    public void What_a_pool_has_dropped_and_said_so_is_dropped_and_not_lost()
    {
        var all = Build();
        var never = Bob.Follow(Alice.Did, 0);
        var id = never.IdOn(TestChain.ChainId);

        var verdict = ChainJudge.Judge(chain.Genesis, [.. all.Append(never).Select(t => t.IdOn(TestChain.ChainId))], new Dictionary<Hash256, string> { [id] = "POOL_FULL" }, [Of("node1")]);

        Assert.Equal((0, 1), (verdict.Lost, verdict.Dropped));
        Assert.Contains("POOL_FULL", Assert.Single(verdict.Findings), StringComparison.Ordinal);
    }

    [Fact]
    public void Proof_that_a_validator_has_signed_twice_is_conflicting()
    {
        var validators = new TestChain(validators: TestChain.Validators(5));
        var evidence = TestChain.ValidatorOf(1).Equivocate(height: 1);
        validators.Commit();
        validators.Commit(validators.Make([evidence]));

        var verdict = ChainJudge.Judge(validators.Genesis, [], Nothing, [Of("node1", validators)]);

        Assert.Equal(1, verdict.Conflicting);
        Assert.Contains("signed twice", Assert.Single(verdict.Findings), StringComparison.Ordinal);
    }

    /// <summary>Three blocks with three transactions.</summary>
    private IReadOnlyList<TransactionEnvelope> Build()
    {
        chain.Commit(Alice.Register());
        chain.Commit(Bob.Register());
        chain.Commit(Alice.Follow(Bob.Did, 0));
        return [Alice.Register(), Bob.Register(), Alice.Follow(Bob.Did, 0)];
    }

    private Verdict Judge(IReadOnlyList<TransactionEnvelope> acknowledged, params IReadOnlyList<NodeChain> chains) =>
        ChainJudge.Judge(chain.Genesis, [.. acknowledged.Select(t => t.IdOn(TestChain.ChainId))], Nothing, chains);

    private CertifiedBlock Certified(Block block) => new(block, chain.CertificateOf(block));

    private NodeChain With(string node, CertifiedBlock block) => Of(node) with { Blocks = [.. Of(node).Blocks, block] };

    private NodeChain Of(string node, int blocks = int.MaxValue) => Of(node, chain) with { Blocks = [.. Of(node, chain).Blocks.Take(blocks)] };

    private static NodeChain Of(string node, TestChain chain) =>
        new(node, [.. chain.Stored().Select(s => new CertifiedBlock(s.Block, s.Certificate))], chain.Ledger.Tip.Height, chain.Ledger.Tip.StateRoot.ToString());
}
