using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>
/// Signs proposals and votes, each with the row that records it. A message may leave only after its row is durable. This, not the cluster, is
/// what prevents equivocation.
/// </summary>
public sealed class Signer(string chainId, IConsensusKey key, SignerRow row)
{
    /// <summary>The row after the last signature.</summary>
    public SignerRow Row { get; private set; } = row;

    public PublicKey PublicKey => key.PublicKey;

    /// <summary>Signs a proposal.</summary>
    /// <exception cref="SignerRegressionException">This step or a later one is signed.</exception>
    public Proposal SignProposal(ulong height, uint round, int validRound, in Hash256 blockId, Standing standing)
    {
        var proposal = Proposal.Sign(height, round, validRound, blockId, chainId, key);
        Row = Row.With(height, round, Step.Propose, standing, proposal, null);
        return proposal;
    }

    /// <summary>Signs a vote.</summary>
    /// <exception cref="SignerRegressionException">This step or a later one is signed.</exception>
    public Vote SignVote(VoteType type, ulong height, uint round, Hash256? blockId, Standing standing)
    {
        var vote = Vote.Sign(type, height, round, blockId, chainId, key);
        Row = Row.With(height, round, type == VoteType.Prevote ? Step.Prevote : Step.Precommit, standing, null, vote);
        return vote;
    }
}
