using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;

namespace Vivim.Protocol.Consensus;

/// <summary>A proposer's signed proposal of a block for a round (arXiv 1807.04938, L19). The signature binds the valid round and the block id.</summary>
/// <param name="ValidRound">The round in which the proposer saw a quorum of prevotes for the block; -1 for a new block.</param>
public sealed record Proposal(ulong Height, uint Round, int ValidRound, Hash256 BlockId, PublicKey Proposer, Signature Signature)
{
    /// <summary>Makes and signs a proposal.</summary>
    public static Proposal Sign(ulong height, uint round, int validRound, in Hash256 blockId, string chainId, IConsensusKey key) =>
        new(height, round, validRound, blockId, key.PublicKey, key.Sign(SignedBytes(height, round, validRound, blockId, chainId)));

    public bool SignatureVerifies(string chainId, ISignatureScheme scheme) => scheme.Verifies(Proposer, SignedBytes(Height, Round, ValidRound, BlockId, chainId), Signature);

    public void Encode(CanonicalWriter writer) =>
        writer.U64(Height).U32(Round).I32(ValidRound).Hash(BlockId).Raw(Proposer.Bytes).Raw(Signature.Bytes);

    /// <exception cref="MalformedException">Cut short, or an impossible valid round.</exception>
    public static Proposal Decode(ref CanonicalReader reader)
    {
        var proposal = new Proposal(reader.U64(), reader.U32(), reader.I32(), reader.Hash(), new PublicKey(reader.Raw(PublicKey.Size)), new Signature(reader.Raw(Signature.Size)));
        if (proposal.ValidRound < -1 || proposal.ValidRound >= (long)proposal.Round) throw new MalformedException($"valid round {proposal.ValidRound} does not precede round {proposal.Round}");
        return proposal;
    }

    private static byte[] SignedBytes(ulong height, uint round, int validRound, in Hash256 blockId, string chainId) =>
        SigningDomain.Proposal.Frame(chainId, new CanonicalWriter(64).U64(height).U32(round).I32(validRound).Hash(blockId).Written);
}
