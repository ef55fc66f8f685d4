using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>Keeps one row per consensus key. A write is durable when it returns.</summary>
public interface ISignerStore
{
    /// <summary>The key's row, or null when it never had one.</summary>
    SignerRow? Load(PublicKey key);

    /// <summary>Creates the row of a new key.</summary>
    void Create(PublicKey key, SignerRow row);

    /// <summary>Replaces the row if its version is still <paramref name="expectedVersion"/>; false when it is not.</summary>
    bool CompareAndSet(PublicKey key, ulong expectedVersion, SignerRow row);
}

/// <summary>
/// Signs proposals and votes, each only after the row that records it is durable. This, not the cluster, is what prevents equivocation.
/// </summary>
public sealed class Signer
{
    private readonly ISignerStore store;
    private readonly SigningKey key;
    private readonly string chainId;

    /// <exception cref="InvalidOperationException">The key has no row.</exception>
    public Signer(ISignerStore store, SigningKey key, string chainId)
    {
        this.store = store;
        this.key = key;
        this.chainId = chainId;
        Row = store.Load(key.PublicKey) ?? throw new InvalidOperationException($"the consensus key {key.PublicKey} has no signer row");
    }

    /// <summary>The row as last written.</summary>
    public SignerRow Row { get; private set; }

    public PublicKey PublicKey => key.PublicKey;

    /// <summary>Signs and records a proposal.</summary>
    /// <exception cref="SignerRegressionException">This step or a later one is signed.</exception>
    /// <exception cref="StaleSignerException">Another incarnation has signed meanwhile.</exception>
    public Proposal SignProposal(ulong height, uint round, int validRound, in Hash256 blockId, RoundValue locked, RoundValue valid)
    {
        var proposal = Proposal.Sign(height, round, validRound, blockId, chainId, key);
        Write(Row.With(height, round, Step.Propose, locked, valid, proposal, null));
        return proposal;
    }

    /// <summary>Signs and records a vote.</summary>
    /// <exception cref="SignerRegressionException">This step or a later one is signed.</exception>
    /// <exception cref="StaleSignerException">Another incarnation has signed meanwhile.</exception>
    public Vote SignVote(VoteType type, ulong height, uint round, Hash256? blockId, RoundValue locked, RoundValue valid)
    {
        var vote = Vote.Sign(type, height, round, blockId, chainId, key);
        Write(Row.With(height, round, type == VoteType.Prevote ? Step.Prevote : Step.Precommit, locked, valid, null, vote));
        return vote;
    }

    private void Write(SignerRow next)
    {
        if (!store.CompareAndSet(key.PublicKey, Row.Version, next))
            throw new StaleSignerException($"the signer row of {key.PublicKey} is no longer at version {Row.Version}: another incarnation of this validator is running");
        Row = next;
    }
}
