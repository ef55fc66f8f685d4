using Vivim.Chain.Consensus;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;

namespace Vivim.Tests.Chain;

// What Algorithm 1 leaves open: votes that repeat or contradict, what begins a height, what a crash leaves behind.
public sealed partial class TendermintCoreTests
{
    [Fact]
    public void The_same_vote_twice_counts_once()
    {
        Start();
        Propose(0, A);
        Assert.Empty(Votes(VoteType.Prevote, 0, A, 0, 0, 0, 0));
        Assert.Equal(Step.Prevote, Core.Step);
    }

    [Fact]
    public void A_second_different_vote_is_evidence_once_and_does_not_count()
    {
        Start();
        Propose(0, A);
        Votes(VoteType.Prevote, 0, null, 1);
        var evidence = new Evidence(TestValidator.VoteOf(1, VoteType.Prevote, 0, null), TestValidator.VoteOf(1, VoteType.Prevote, 0, A));
        AreEqual([new ConsensusOutput.Misbehaviour(evidence)], Votes(VoteType.Prevote, 0, A, 1));
        Assert.Empty(Votes(VoteType.Prevote, 0, B, 1));
        AreEqual([Timeout(0, Step.Prevote)], Votes(VoteType.Prevote, 0, A, 0));
        Assert.Equal(RoundValue.None, Core.Locked);
    }

    [Fact]
    public void A_second_vote_counts_for_what_a_third_has_voted_for_so_that_a_liar_cannot_hide_a_polka_from_some()
    {
        Start();
        Propose(0, A);
        Votes(VoteType.Prevote, 0, B, 2);
        Votes(VoteType.Prevote, 0, A, 0);
        Assert.Equal(RoundValue.None, Core.Locked);
        Assert.Contains(Precommit(0, A), Votes(VoteType.Prevote, 0, A, 2));
        Assert.Equal(new RoundValue(0, A), Core.Locked);
    }

    [Fact]
    public void A_second_proposal_is_not_prevoted_but_decided_when_the_others_have()
    {
        Start();
        AreEqual([Prevote(0, A)], Propose(0, A));
        Assert.Empty(Propose(0, B));
        Votes(VoteType.Precommit, 0, B, 0, 1, 2);
        Assert.Null(validator.Decision);
        Propose(0, B);
        Assert.Equal(B, validator.Decision!.BlockId);
    }

    [Fact]
    public void A_proposal_counts_only_from_the_proposer_of_its_round_and_for_this_height()
    {
        Start();
        Assert.Empty(validator.Feed(new ConsensusInput.ProposalReceived(TestValidator.ProposalOf(1, 0, A), IsValid: true)));
        Assert.Empty(validator.Feed(new ConsensusInput.ProposalReceived(TestValidator.ProposalOf(0, 0, A) with { Height = TestValidator.Height + 1 }, IsValid: true)));
    }

    [Fact]
    public void A_vote_counts_only_for_this_height_and_from_a_validator()
    {
        Start();
        Propose(0, A);
        foreach (var from in new[] { 0, 1, 2 })
        {
            Assert.Empty(validator.Feed(new ConsensusInput.VoteReceived(TestValidator.VoteOf(from, VoteType.Precommit, 0, A) with { Height = TestValidator.Height + 1 })));
            Assert.Empty(validator.Feed(new ConsensusInput.VoteReceived(TestValidator.VoteOf(from + 10, VoteType.Precommit, 0, A))));
        }
    }

    [Fact]
    public void Nothing_comes_after_the_decision()
    {
        Start();
        Propose(0, A);
        Votes(VoteType.Precommit, 0, A, 0, 1, 2);
        Assert.NotNull(validator.Decision);
        Assert.Empty(Votes(VoteType.Precommit, 0, B, 0, 1, 2));
        Assert.Empty(Votes(VoteType.Prevote, 5, B, 0, 1, 2));
        Assert.Empty(Elapse(0, Step.Precommit));
        Assert.Empty(validator.Feed(new ConsensusInput.Start()));
    }

    [Fact]
    public void A_proposal_begins_a_height_whose_time_has_not_come_here()
    {
        Assert.Empty(Votes(VoteType.Prevote, 0, A, 0));
        AreEqual([Timeout(0, Step.Propose), Prevote(0, A)], Propose(0, A));
        Assert.Empty(Start());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void Votes_of_more_than_a_third_begin_a_height_in_their_round(uint round)
    {
        Assert.Empty(Votes(VoteType.Prevote, round, A, 0));
        AreEqual([Timeout(round, Step.Propose)], Votes(VoteType.Precommit, round, A, 1));
        Assert.Equal(round, Core.Round);
    }

    [Fact]
    public void L22_a_new_value_that_is_not_timely_is_prevoted_nil_but_decided_when_the_others_have()
    {
        Start();
        AreEqual([Prevote(0, null)], validator.Feed(new ConsensusInput.ProposalReceived(TestValidator.ProposalOf(0, 0, A), IsValid: true, IsTimely: false)));
        Assert.IsType<ConsensusOutput.Decided>(Votes(VoteType.Precommit, 0, A, 0, 1, 2)[^1]);
    }

    [Fact]
    public void Of_votes_for_rounds_far_ahead_the_highest_two_of_a_validator_are_kept()
    {
        Start();
        for (var round = 2U; round <= 1_000; round++) Votes(VoteType.Prevote, round, A, 0);
        Assert.Equal(2, Core.HeldItems);
        AreEqual([Timeout(1_000, Step.Propose)], Votes(VoteType.Prevote, 1_000, null, 1));
    }

    [Fact]
    public void A_proposer_that_goes_on_with_a_value_whose_polka_it_no_longer_has_does_not_wait_for_ever()
    {
        LockInRound0(A);
        var proposed = new SignerRow(9, TestValidator.Height, 3, Step.Propose, new Standing(Core.Locked, Core.Valid, []), [TestValidator.ProposalOf(3, 3, A, 0)], validator.Row.Votes);
        AreEqual([Timeout(3, Step.Propose)], new TestValidator(4, 3, proposed).Resume());
    }

    /// <summary>The shell's row has one writer at a time; here the process ends after each of its writes in turn, and a new one goes on.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void After_a_crash_the_only_validator_decides_the_same_block_and_signs_nothing_twice(int writes)
    {
        var before = new TestValidator(1, 0) { CrashAfterWrites = writes };
        before.Feed(new ConsensusInput.Start());
        Assert.Throws<TestValidator.CrashException>(() => before.Feed(new ConsensusInput.ValueBuilt(0, A)));

        var after = new TestValidator(1, 0, before.Row);
        after.Resume();
        Assert.Empty(after.Feed(new ConsensusInput.ValueBuilt(0, B)));

        Assert.Equal((0u, A), (after.Decision!.Round, after.Decision.BlockId));
        Assert.Single(after.Row.Proposals);
        Assert.Equal([VoteType.Prevote, VoteType.Precommit], after.Row.Votes.Select(v => v.Type));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void After_a_crash_in_a_round_without_a_block_the_only_validator_goes_on_to_the_next(int writes)
    {
        var before = new TestValidator(1, 0) { CrashAfterWrites = writes };
        before.Feed(new ConsensusInput.Start());
        Assert.Throws<TestValidator.CrashException>(() => before.Feed(new ConsensusInput.TimeoutElapsed(0, Step.Propose)));

        var after = new TestValidator(1, 0, before.Row);
        Assert.Contains(Timeout(0, Step.Precommit), after.Resume());
        Assert.Contains(new ConsensusOutput.GetValue(1), after.Feed(new ConsensusInput.TimeoutElapsed(0, Step.Precommit)));
        after.Feed(new ConsensusInput.ValueBuilt(1, A));
        Assert.Equal((1u, A), (after.Decision!.Round, after.Decision.BlockId));
    }

    [Fact]
    public void After_a_power_cut_the_polka_of_the_lock_is_still_known()
    {
        LockInRound0(A);
        var after = new TestValidator(4, 3, validator.Row);
        after.Resume();
        Assert.Equal(new RoundValue(0, A), after.Core.Locked);
        Assert.True(after.Core.Votes.HasQuorum(VoteType.Prevote, 0, A));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void After_a_power_cut_the_votes_that_opened_the_round_are_still_known(bool bySkipping)
    {
        Start();
        Votes(bySkipping ? VoteType.Prevote : VoteType.Precommit, bySkipping ? 1U : 0U, null, 0, 1, 2);
        Elapse(0, Step.Precommit);
        Elapse(1, Step.Propose);
        var after = new TestValidator(4, 3, validator.Row);
        after.Resume();
        Assert.Equal(1U, after.Core.Round);
        Assert.True(after.Core.Votes.HasQuorumOfAny(bySkipping ? VoteType.Prevote : VoteType.Precommit, bySkipping ? 1U : 0U));
    }
}
