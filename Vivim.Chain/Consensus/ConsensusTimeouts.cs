namespace Vivim.Chain.Consensus;

/// <summary>How long a step waits (arXiv 1807.04938, L21, L35, L48): the base, and more with every round.</summary>
public sealed record ConsensusTimeouts(TimeSpan Propose, TimeSpan Vote, TimeSpan PerRound)
{
    public TimeSpan Of(Step step, uint round) => (step == Step.Propose ? Propose : Vote) + PerRound * round;
}
