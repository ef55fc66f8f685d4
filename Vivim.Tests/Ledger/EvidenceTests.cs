using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Protocol;

namespace Vivim.Tests.Ledger;

/// <summary>Which evidence a block may carry, and what it does.</summary>
public sealed class EvidenceTests
{
    private static readonly Person[] V = [.. Enumerable.Range(0, 10).Select(TestChain.ValidatorOf)];

    [Fact]
    public void An_equivocator_is_jailed_two_heights_later_with_three_events()
    {
        var chain = Chain(5);
        var evidence = V[1].Equivocate(2);
        var result = chain.Commit(chain.Assemble([], evidence));
        Assert.Equal([LedgerEventType.EquivocationProven, LedgerEventType.ValidatorJailed, LedgerEventType.ValidatorSetChanged], result.Events.Select(e => e.Type));
        Assert.All(result.Events, e => Assert.Equal((V[1].KeyDid, V[1].KeyDid, evidence.Id), (e.Actor, e.Subject, e.TransactionId)));
        Assert.NotNull(chain.Ledger.State.Get(StateKey.Jail(V[1].Key.PublicKey)));
        Assert.Equal((5, 4, -1), (chain.Ledger.Tip.Validators.Count, chain.Ledger.Tip.NextValidators.Count, chain.Ledger.Tip.NextValidators.IndexOf(V[1].Key.PublicKey)));
    }

    [Fact]
    public void Jailing_never_leaves_fewer_than_four()
    {
        var chain = Chain(5);
        var result = chain.Commit(chain.Assemble([], V[0].Equivocate(1), V[1].Equivocate(1), V[2].Equivocate(1)));
        Assert.Equal(3, result.Events.Count(e => e.Type == LedgerEventType.EquivocationProven));
        Assert.Single(result.Events, e => e.Type == LedgerEventType.ValidatorJailed);
        chain.Commit();
        Assert.Equal(4, chain.Ledger.Tip.Validators.Count);
        Assert.Equal([LedgerEventType.EquivocationProven], chain.Commit(chain.Assemble([], V[3].Equivocate(1), V[3].Equivocate(0))).Events.Select(e => e.Type));
        chain.Commit();
        Assert.Equal(4, chain.Ledger.Tip.Validators.Count);
        Assert.Equal(1, Enumerable.Range(0, 5).Count(i => chain.Ledger.State.Get(StateKey.Jail(V[i].Key.PublicKey)) is not null));
    }

    [Fact]
    public void The_authorities_can_take_the_jailed_in_again()
    {
        var chain = Chain(5);
        chain.Commit(chain.Assemble([], V[4].Equivocate(1)));
        chain.Commit();
        var proposal = V[0].Propose(V[4], 1, 0);
        chain.Commit(proposal, V[1].Approve(V[0], proposal, 0), V[2].Approve(V[0], proposal, 0));
        Assert.Null(chain.Ledger.State.Get(StateKey.Jail(V[4].Key.PublicKey)));
        Assert.Equal(5, chain.Ledger.Tip.NextValidators.Count);
    }

    [Fact]
    public void Evidence_is_taken_once()
    {
        var chain = Chain(4);
        var evidence = V[2].Equivocate(1);
        var sameStep = new Evidence(evidence.First, Vote.Sign(VoteType.Prevote, 1, 0, Hash256.Of("three"u8), TestChain.ChainId, V[2].Key));
        Assert.Equal([evidence], chain.Assemble([], evidence, evidence, sameStep).Evidence);
        Assert.Contains("not in order, or there twice", Problem(chain, evidence, evidence), StringComparison.Ordinal);
        Assert.Contains("not in order, or there twice", Problem(chain, evidence, sameStep), StringComparison.Ordinal);
        chain.Commit(chain.Assemble([], evidence));
        Assert.Equal("it has been committed before", chain.Ledger.EvidenceProblem(evidence));
        Assert.Equal("it has been committed before", chain.Ledger.EvidenceProblem(sameStep));
        Assert.Equal("evidence 0 may not be included: it has been committed before", Problem(chain, evidence));
        Assert.Empty(chain.Assemble([], evidence, sameStep).Evidence);
        Assert.Null(chain.Ledger.EvidenceProblem(V[2].Equivocate(1, round: 1)));
        Assert.Null(chain.Ledger.EvidenceProblem(V[2].Equivocate(1, type: VoteType.Precommit)));
    }

    [Fact]
    public void Each_thing_wrong_with_evidence_is_named()
    {
        var chain = Chain(4);
        chain.Commit();
        var (one, id) = (V[0].Equivocate(2), Hash256.Of("one"u8));
        Assert.Null(chain.Ledger.EvidenceProblem(one));
        Assert.Null(chain.Ledger.EvidenceProblem(V[0].Equivocate(1)));
        Named("its votes are for the same block", new Evidence(one.First, one.First));
        Named("not of one validator for one step", new Evidence(one.First, V[1].Equivocate(2).Second));
        Named("not of one validator for one step", new Evidence(one.First, V[0].Equivocate(1).Second));
        Named("not of one validator for one step", new Evidence(one.First, V[0].Equivocate(2, round: 1).Second));
        Named("not of one validator for one step", new Evidence(one.First, V[0].Equivocate(2, type: VoteType.Precommit).Second));
        Named("for height 4, the next is 3", V[0].Equivocate(4));
        Named("the validators of height 0", V[0].Equivocate(0));
        Named("was not a validator of height 2", V[7].Equivocate(2));
        Named("signature does not verify", new Evidence(one.First, one.Second with { Signature = one.First.Signature }));
        Named("signature does not verify", new Evidence(one.First with { Signature = one.Second.Signature }, one.Second));
        Named("signature does not verify", new Evidence(one.First, Vote.Sign(VoteType.Prevote, 2, 0, id, "another", V[0].Key)));

        void Named(string sentence, Evidence evidence)
        {
            Assert.Contains(sentence, chain.Ledger.EvidenceProblem(evidence), StringComparison.Ordinal);
            Assert.Contains(sentence, Problem(chain, evidence), StringComparison.Ordinal);
            Assert.Empty(chain.Assemble([], evidence).Evidence);
        }
    }

    [Fact]
    public void Evidence_expires_by_heights()
    {
        var chain = new TestChain(new ChainParameters { MaxEvidenceAge = 3 }, validators: TestChain.Validators(4));
        while (chain.NextHeight < 5) chain.Commit();
        Assert.Contains("more than 3 heights ago", chain.Ledger.EvidenceProblem(V[0].Equivocate(1)), StringComparison.Ordinal);
        Assert.Null(chain.Ledger.EvidenceProblem(V[0].Equivocate(2)));
    }

    [Fact]
    public void A_validator_is_punished_for_when_it_was_one()
    {
        var chain = new TestChain(validators: TestChain.Validators(1));
        chain.Commit(V[0].Propose(V[1], 1, 0), V[0].Propose(V[2], 1, 1));
        chain.Commit();
        Assert.NotNull(chain.Ledger.EvidenceProblem(V[1].Equivocate(2)));
        Assert.Null(chain.Ledger.EvidenceProblem(V[1].Equivocate(3)));
    }

    [Fact]
    public void A_pair_of_votes_has_one_encoding()
    {
        var evidence = V[0].Equivocate(1);
        Assert.Equal(evidence, new Evidence(evidence.Second, evidence.First));
        Assert.Null(evidence.First.BlockId);
        var bytes = Examples.Encode(evidence.Encode);
        var reader = new CanonicalReader(bytes);
        Assert.Equal(evidence, Evidence.Decode(ref reader));
        Assert.Throws<MalformedException>(() =>
        {
            var swapped = new CanonicalReader(Examples.Encode(w =>
            {
                evidence.Second.Encode(w);
                evidence.First.Encode(w);
            }));
            Evidence.Decode(ref swapped);
        });
    }

    [Fact]
    public void A_block_takes_so_much_evidence_and_no_more()
    {
        var chain = Chain(4);
        Evidence[] many = [.. Enumerable.Range(0, 65).Select(round => V[0].Equivocate(1, (uint)round))];
        Assert.Equal(64, chain.Assemble([], many).Evidence.Count);
        Assert.Null(chain.Ledger.Validate(chain.Assemble([], many), static _ => false));
        Assert.Contains("at most 64 are allowed", Problem(chain, many), StringComparison.Ordinal);
        Assert.Contains("not in order", Problem(chain, many[1], many[0]), StringComparison.Ordinal);
    }

    private static TestChain Chain(int validators)
    {
        var chain = new TestChain(validators: TestChain.Validators(validators));
        chain.Commit();
        return chain;
    }

    private static string Problem(TestChain chain, params Evidence[] evidence) => chain.Ledger.Validate(chain.Make(evidence), static _ => false)!;
}
