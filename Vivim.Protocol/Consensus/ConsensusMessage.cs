using Vivim.Protocol.Blocks;
using Vivim.Protocol.Encoding;

namespace Vivim.Protocol.Consensus;

/// <summary>
/// What validators tell each other (docs/spec/consensus.md). Delivered at most once, in any order; what is missing is asked for by
/// <see cref="Status"/>. Proposals, votes and evidence carry their own signatures, so anyone may pass them on.
/// </summary>
public abstract record ConsensusMessage
{
    /// <summary>No message is longer, in bytes: the largest block and what goes with it.</summary>
    public const int MaxSize = Block.MaxSize + 1024;

    private const byte ProposedTag = 1;
    private const byte VotedTag = 2;
    private const byte AccusedTag = 3;
    private const byte StatusTag = 4;

    private ConsensusMessage()
    {
    }

    /// <summary>A proposal, with its block where the receiver may not have it.</summary>
    public sealed record Proposed(Proposal Proposal, Block? Block) : ConsensusMessage;

    /// <summary>A prevote or precommit.</summary>
    public sealed record Voted(Vote Vote) : ConsensusMessage;

    /// <summary>Two votes that nobody honest signs both.</summary>
    public sealed record Accused(Evidence Evidence) : ConsensusMessage;

    /// <summary>Where a validator is, and what it has of its round; whoever has more sends it.</summary>
    /// <param name="Height">The height under way: one above the last it has committed.</param>
    /// <param name="Step">0 before the height has begun, then 1 to 3: propose, prevote, precommit.</param>
    /// <param name="Proposal">The block proposed in this round whose content it has, or null.</param>
    /// <param name="Prevotes">Whose prevotes of this round it has, by index in the height's set.</param>
    /// <param name="Precommits">Whose precommits of this round it has.</param>
    /// <param name="HasWork">It has transactions that the next block could include.</param>
    public sealed record Status(ulong Height, uint Round, byte Step, Hash256? Proposal, VoteBits Prevotes, VoteBits Precommits, bool HasWork) : ConsensusMessage;

    /// <summary>The canonical encoding.</summary>
    public byte[] ToBytes()
    {
        var writer = new CanonicalWriter();
        switch (this)
        {
            case Proposed proposed:
                proposed.Proposal.Encode(writer.U8(ProposedTag));
                writer.Bytes(proposed.Block?.ToBytes() ?? []);
                break;
            case Voted voted:
                voted.Vote.Encode(writer.U8(VotedTag));
                break;
            case Accused accused:
                accused.Evidence.Encode(writer.U8(AccusedTag));
                break;
            case Status status:
                writer.U8(StatusTag).U64(status.Height).U32(status.Round).U8(status.Step).U8(status.HasWork ? (byte)1 : (byte)0);
                writer.U8(status.Proposal is null ? (byte)0 : (byte)1);
                if (status.Proposal is { } proposal) writer.Hash(proposal);
                status.Prevotes.Encode(writer);
                status.Precommits.Encode(writer);
                break;
        }

        return writer.ToArray();
    }

    /// <summary>Reads a message. Its form alone is checked, no signature.</summary>
    /// <exception cref="MalformedException">Not a message, longer than <see cref="MaxSize"/>, or bytes left over.</exception>
    public static ConsensusMessage FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxSize) throw new MalformedException($"a consensus message of {bytes.Length} bytes, at most {MaxSize} allowed");
        var reader = new CanonicalReader(bytes);
        ConsensusMessage message = reader.U8() switch
        {
            ProposedTag => DecodeProposed(ref reader),
            VotedTag => new Voted(Vote.Decode(ref reader)),
            AccusedTag => new Accused(Evidence.Decode(ref reader)),
            StatusTag => DecodeStatus(ref reader),
            var other => throw new MalformedException($"{other} is not a kind of consensus message"),
        };
        reader.End();
        return message;
    }

    private static Proposed DecodeProposed(ref CanonicalReader reader)
    {
        var proposal = Proposal.Decode(ref reader);
        var block = reader.Bytes(Block.MaxSize);
        return new Proposed(proposal, block.IsEmpty ? null : Block.FromBytes(block));
    }

    private static Status DecodeStatus(ref CanonicalReader reader)
    {
        var (height, round, step) = (reader.U64(), reader.U32(), reader.U8());
        if (step > 3) throw new MalformedException($"{step} is not a step");
        var hasWork = Flag(reader.U8());
        Hash256? proposal = Flag(reader.U8()) ? reader.Hash() : null;
        return new Status(height, round, step, proposal, VoteBits.Decode(ref reader), VoteBits.Decode(ref reader), hasWork);
    }

    private static bool Flag(byte value) => value switch
    {
        0 => false,
        1 => true,
        _ => throw new MalformedException($"{value} says neither no (0) nor yes (1)"),
    };
}
