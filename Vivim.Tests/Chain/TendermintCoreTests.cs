using Vivim.Chain.Consensus;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;

namespace Vivim.Tests.Chain;

/// <summary>Each rule of Algorithm 1 (arXiv 1807.04938), by its lines: validator 3 of four, the proposer of round r is r modulo 4.</summary>
public sealed partial class TendermintCoreTests
{
    private static readonly Hash256 A = Hash256.Of("A"u8);
    private static readonly Hash256 B = Hash256.Of("B"u8);

    private readonly TestValidator validator = new(4, 3);

    private TendermintCore Core => validator.Core;

    [Fact]
    public void L11_a_round_begins_by_waiting_for_its_proposer() => AreEqual([Timeout(0, Step.Propose)], Start());

    [Fact]
    public void L18_the_proposer_asks_for_a_value_proposes_it_and_prevotes_it()
    {
        var proposer = new TestValidator(4, 0);
        AreEqual([Timeout(0, Step.Propose), new ConsensusOutput.GetValue(0)], proposer.Feed(new ConsensusInput.Start()));
        AreEqual([new ConsensusOutput.SendProposal(0, A, -1), Prevote(0, A)], proposer.Feed(new ConsensusInput.ValueBuilt(0, A)));
    }

    [Fact]
    public void L18_a_value_that_nobody_waits_for_is_not_proposed()
    {
        var proposer = new TestValidator(4, 0);
        proposer.Feed(new ConsensusInput.Start());
        Assert.Empty(proposer.Feed(new ConsensusInput.ValueBuilt(1, A)));
        proposer.Feed(new ConsensusInput.TimeoutElapsed(0, Step.Propose));
        Assert.Empty(proposer.Feed(new ConsensusInput.ValueBuilt(0, A)));
        Start();
        Assert.Empty(validator.Feed(new ConsensusInput.ValueBuilt(0, A)));
    }

    [Fact]
    public void L16_the_proposer_proposes_the_valid_value_again_and_prevotes_it()
    {
        LockInRound0(A);
        GoTo(2);
        AreEqual([Timeout(3, Step.Propose), new ConsensusOutput.SendProposal(3, A, 0), Prevote(3, A)], Elapse(2, Step.Precommit));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void L22_a_new_proposal_is_prevoted_if_it_is_valid(bool isValid)
    {
        Start();
        AreEqual([Prevote(0, isValid ? A : null)], Propose(0, A, isValid: isValid));
    }

    [Fact]
    public void L22_a_locked_validator_prevotes_nil_for_another_value_and_yes_for_its_own()
    {
        LockInRound0(A);
        GoTo(1);
        AreEqual([Prevote(1, null)], Propose(1, B));
        GoTo(2);
        AreEqual([Prevote(2, A)], Propose(2, A));
    }

    [Fact]
    public void L28_a_proposal_with_a_valid_round_waits_for_that_polka_a_late_prevote_completes_it()
    {
        Start();
        GoTo(2);
        Assert.Empty(Propose(2, A, 1));
        Assert.Empty(Votes(VoteType.Prevote, 1, A, 0, 1));
        AreEqual([Prevote(2, A)], Votes(VoteType.Prevote, 1, A, 2));
    }

    [Fact]
    public void L28_a_newer_polka_unlocks()
    {
        LockInRound0(A);
        GoTo(2);
        Votes(VoteType.Prevote, 1, B, 0, 1, 2);
        AreEqual([Prevote(2, B)], Propose(2, B, 1));
    }

    [Fact]
    public void L28_an_older_polka_does_not_unlock()
    {
        Start();
        GoTo(1);
        Propose(1, A);
        Votes(VoteType.Prevote, 1, A, 0, 1);
        Assert.Equal(new RoundValue(1, A), Core.Locked);
        GoTo(2);
        Votes(VoteType.Prevote, 0, B, 0, 1, 2);
        AreEqual([Prevote(2, null)], Propose(2, B, 0));
    }

    [Fact]
    public void L28_an_older_polka_for_the_locked_value_is_prevoted()
    {
        Start();
        GoTo(1);
        Propose(1, A);
        Votes(VoteType.Prevote, 1, A, 0, 1);
        GoTo(2);
        Votes(VoteType.Prevote, 0, A, 0, 1, 2);
        AreEqual([Prevote(2, A)], Propose(2, A, 0));
    }

    [Fact]
    public void L28_an_invalid_value_is_prevoted_nil_in_spite_of_its_polka()
    {
        Start();
        GoTo(1);
        Votes(VoteType.Prevote, 0, B, 0, 1, 2);
        AreEqual([Prevote(1, null)], Propose(1, B, 0, isValid: false));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(-2)]
    public void L28_a_valid_round_that_is_not_a_past_one_is_never_prevoted(int validRound)
    {
        Start();
        GoTo(1);
        Votes(VoteType.Prevote, 1, A, 0, 1, 2);
        Assert.Empty(Propose(1, A, validRound));
    }

    [Fact]
    public void L34_prevotes_for_anything_start_the_prevote_timeout_once_and_only_after_ones_own()
    {
        Start();
        Assert.Empty(Votes(VoteType.Prevote, 0, A, 0).Concat(Votes(VoteType.Prevote, 0, B, 1)).Concat(Votes(VoteType.Prevote, 0, null, 2)));
        AreEqual([Prevote(0, null), Timeout(0, Step.Prevote)], Elapse(0, Step.Propose));
    }

    [Fact]
    public void L34_is_not_repeated()
    {
        Start();
        Propose(0, A);
        Votes(VoteType.Prevote, 0, null, 0);
        AreEqual([Timeout(0, Step.Prevote)], Votes(VoteType.Prevote, 0, B, 1));
        Assert.Empty(Votes(VoteType.Prevote, 0, B, 2));
    }

    [Fact]
    public void L36_a_polka_locks_and_is_precommitted()
    {
        Start();
        Propose(0, A);
        Assert.Empty(Votes(VoteType.Prevote, 0, A, 0));
        AreEqual([Precommit(0, A)], Votes(VoteType.Prevote, 0, A, 1));
        Assert.Equal((new RoundValue(0, A), new RoundValue(0, A)), (Core.Locked, Core.Valid));
    }

    [Fact]
    public void L36_a_polka_needs_its_proposal_which_may_come_late()
    {
        Start();
        Elapse(0, Step.Propose);
        Votes(VoteType.Prevote, 0, A, 0, 1, 2);
        Assert.Equal(RoundValue.None, Core.Locked);
        AreEqual([Precommit(0, A)], Propose(0, A));
        Assert.Equal(new RoundValue(0, A), Core.Locked);
    }

    [Fact]
    public void L36_an_invalid_value_is_not_locked_in_spite_of_its_polka()
    {
        Start();
        Propose(0, A, isValid: false);
        Votes(VoteType.Prevote, 0, A, 0, 1, 2);
        Assert.Equal((RoundValue.None, RoundValue.None), (Core.Locked, Core.Valid));
    }

    [Fact]
    public void L42_a_polka_after_ones_precommit_makes_the_value_valid_but_does_not_lock()
    {
        Start();
        Propose(0, A);
        Votes(VoteType.Prevote, 0, null, 0);
        Votes(VoteType.Prevote, 0, A, 1);
        AreEqual([Precommit(0, null)], Elapse(0, Step.Prevote));
        Assert.Empty(Votes(VoteType.Prevote, 0, A, 2));
        Assert.Equal((RoundValue.None, new RoundValue(0, A)), (Core.Locked, Core.Valid));
    }

    [Fact]
    public void L44_prevotes_for_nil_are_precommitted_nil_and_the_lock_stays()
    {
        LockInRound0(A);
        GoTo(1);
        Propose(1, B);
        AreEqual([Timeout(1, Step.Prevote), Precommit(1, null)], Votes(VoteType.Prevote, 1, null, 0, 1));
        Assert.Equal((new RoundValue(0, A), new RoundValue(0, A)), (Core.Locked, Core.Valid));
    }

    [Fact]
    public void L44_waits_for_ones_own_prevote()
    {
        Start();
        Assert.Empty(Votes(VoteType.Prevote, 0, null, 0, 1, 2));
    }

    [Fact]
    public void L47_precommits_for_anything_start_the_precommit_timeout_at_any_step_once()
    {
        Start();
        Votes(VoteType.Precommit, 0, A, 0);
        Votes(VoteType.Precommit, 0, B, 1);
        AreEqual([Timeout(0, Step.Precommit)], Votes(VoteType.Precommit, 0, null, 2));
        Assert.Empty(Votes(VoteType.Precommit, 0, A, 3));
    }

    [Fact]
    public void L49_precommits_of_two_thirds_decide_and_a_late_proposal_completes_them()
    {
        Start();
        Votes(VoteType.Precommit, 0, A, 0, 1, 2);
        Assert.Null(validator.Decision);
        Propose(0, A);
        Assert.Equal((0u, A), (validator.Decision!.Round, validator.Decision.BlockId));
        Assert.Equal([(ushort)0, 1, 2], validator.Decision.Signatures.Select(s => s.ValidatorIndex));
    }

    [Fact]
    public void L49_decides_in_a_past_round()
    {
        Start();
        Propose(0, A);
        Votes(VoteType.Precommit, 0, A, 0, 1);
        GoTo(2);
        Votes(VoteType.Precommit, 0, A, 2);
        Assert.Equal((0u, A), (validator.Decision!.Round, validator.Decision.BlockId));
    }

    [Fact]
    public void L49_half_or_two_thirds_exactly_do_not_decide()
    {
        var third = new TestValidator(3, 2);
        third.Feed(new ConsensusInput.Start(), new ConsensusInput.ProposalReceived(TestValidator.ProposalOf(0, 0, A), IsValid: true));
        third.Feed(Enumerable.Range(0, 2).Select(from => new ConsensusInput.VoteReceived(TestValidator.VoteOf(from, VoteType.Precommit, 0, A))));
        Assert.Null(third.Decision);
    }

    [Fact]
    public void L49_an_invalid_value_is_not_decided()
    {
        Start();
        Propose(0, A, isValid: false);
        Votes(VoteType.Precommit, 0, A, 0, 1, 2);
        Assert.Null(validator.Decision);
    }

    [Fact]
    public void L55_more_than_a_third_in_a_higher_round_takes_everyone_there_each_counted_once_over_both_votes()
    {
        Start();
        Votes(VoteType.Prevote, 2, A, 0);
        Votes(VoteType.Precommit, 2, null, 0);
        Assert.Equal(0u, Core.Round);
        AreEqual([Timeout(2, Step.Propose)], Votes(VoteType.Precommit, 2, A, 1));
        Assert.Equal((2u, Step.Propose), (Core.Round, Core.Step));
    }

    [Fact]
    public void L55_does_not_lead_back()
    {
        Start();
        GoTo(2);
        Assert.Empty(Votes(VoteType.Prevote, 1, A, 0, 1));
        Assert.Equal(2u, Core.Round);
    }

    [Fact]
    public void L57_no_proposal_in_time_is_prevoted_nil()
    {
        Start();
        AreEqual([Prevote(0, null)], Elapse(0, Step.Propose));
        Assert.Empty(Elapse(0, Step.Propose));
    }

    [Fact]
    public void L61_no_polka_in_time_is_precommitted_nil()
    {
        Start();
        Assert.Empty(Elapse(0, Step.Prevote));
        Elapse(0, Step.Propose);
        AreEqual([Precommit(0, null)], Elapse(0, Step.Prevote));
        Assert.Empty(Elapse(0, Step.Prevote));
    }

    [Fact]
    public void L65_no_decision_in_time_begins_the_next_round()
    {
        Start();
        AreEqual([Timeout(1, Step.Propose)], Elapse(0, Step.Precommit));
        Assert.Equal(1u, Core.Round);
    }

    [Theory]
    [InlineData(Step.Propose)]
    [InlineData(Step.Prevote)]
    [InlineData(Step.Precommit)]
    public void L57_L61_L65_timeouts_of_a_past_round_do_nothing(Step step)
    {
        Start();
        GoTo(1);
        Assert.Empty(Elapse(0, step));
    }

    private static ConsensusOutput.ScheduleTimeout Timeout(uint round, Step step) => new(round, step);

    private static ConsensusOutput.SendVote Prevote(uint round, Hash256? value) => new(VoteType.Prevote, round, value);

    private static ConsensusOutput.SendVote Precommit(uint round, Hash256? value) => new(VoteType.Precommit, round, value);

    private IReadOnlyList<ConsensusOutput> Start() => validator.Feed(new ConsensusInput.Start());

    private IReadOnlyList<ConsensusOutput> Propose(uint round, Hash256 value, int validRound = -1, bool isValid = true) =>
        validator.Feed(new ConsensusInput.ProposalReceived(TestValidator.ProposalOf((int)(round % 4), round, value, validRound), isValid));

    private IReadOnlyList<ConsensusOutput> Votes(VoteType type, uint round, Hash256? value, params int[] from) =>
        validator.Feed(from.Select(validator => new ConsensusInput.VoteReceived(TestValidator.VoteOf(validator, type, round, value))));

    private IReadOnlyList<ConsensusOutput> Elapse(uint round, Step step) => validator.Feed(new ConsensusInput.TimeoutElapsed(round, step));

    private void LockInRound0(Hash256 value)
    {
        Start();
        Propose(0, value);
        Votes(VoteType.Prevote, 0, value, 0, 1);
        Assert.Equal(new RoundValue(0, value), Core.Locked);
    }

    private void GoTo(uint round)
    {
        while (Core.Round < round) Elapse(Core.Round, Step.Precommit);
    }

    private static void AreEqual(IEnumerable<ConsensusOutput> expected, IEnumerable<ConsensusOutput> actual) => Assert.Equal(expected, actual);
}
