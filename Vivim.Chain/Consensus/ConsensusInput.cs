using Vivim.Protocol;
using Vivim.Protocol.Consensus;

namespace Vivim.Chain.Consensus;

/// <summary>What can happen to <see cref="TendermintCore"/>.</summary>
public abstract record ConsensusInput
{
    private ConsensusInput()
    {
    }

    /// <summary>The height is to begin with round 0.</summary>
    public sealed record Start : ConsensusInput;

    /// <summary>The height goes on where the signer's row says that this validator was; its own messages are fed in again after this.</summary>
    public sealed record Resume(uint Round, Step Step, RoundValue Locked, RoundValue Valid) : ConsensusInput;

    /// <summary>The block asked for by <see cref="ConsensusOutput.GetValue"/> is made and stored.</summary>
    public sealed record ValueBuilt(uint Round, Hash256 Value) : ConsensusInput;

    /// <summary>A proposal whose signature holds, by the proposer of its round, and whether its block is valid.</summary>
    /// <param name="IsTimely">Whether, as a new value, it fits its round: made in it, at a time near this validator's clock.</param>
    public sealed record ProposalReceived(Proposal Proposal, bool IsValid, bool IsTimely = true) : ConsensusInput;

    /// <summary>A vote whose signature holds, by a member of the set.</summary>
    public sealed record VoteReceived(Vote Vote) : ConsensusInput;

    /// <summary>A timeout asked for by <see cref="ConsensusOutput.ScheduleTimeout"/> has elapsed.</summary>
    public sealed record TimeoutElapsed(uint Round, Step Step) : ConsensusInput;
}

/// <summary>What <see cref="TendermintCore"/> wants done.</summary>
public abstract record ConsensusOutput
{
    private ConsensusOutput()
    {
    }

    /// <summary>Make a block for this round.</summary>
    public sealed record GetValue(uint Round) : ConsensusOutput;

    /// <summary>Sign a proposal, write it to the signer's row, then send it, to oneself too.</summary>
    public sealed record SendProposal(uint Round, Hash256 Value, int ValidRound) : ConsensusOutput;

    /// <summary>Sign a vote, write it to the signer's row, then send it, to oneself too.</summary>
    public sealed record SendVote(VoteType Type, uint Round, Hash256? Value) : ConsensusOutput;

    /// <summary>Feed <see cref="ConsensusInput.TimeoutElapsed"/> after the step's timeout of that round.</summary>
    public sealed record ScheduleTimeout(uint Round, Step Step) : ConsensusOutput;

    /// <summary>The height is decided: the block is final.</summary>
    public sealed record Decided(CommitCertificate Certificate) : ConsensusOutput;

    /// <summary>A validator has signed two different votes for one step.</summary>
    public sealed record Misbehaviour(Evidence Evidence) : ConsensusOutput;
}
