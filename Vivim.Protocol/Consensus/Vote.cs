using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;

namespace Vivim.Protocol.Consensus;

/// <summary>The two voting steps of a round.</summary>
public enum VoteType : byte
{
    Prevote = 1,
    Precommit = 2,
}

/// <summary>A validator's signed vote for a block, or for nil where <paramref name="BlockId"/> is null.</summary>
public sealed record Vote(VoteType Type, ulong Height, uint Round, Hash256? BlockId, PublicKey Validator, Signature Signature)
{
    /// <summary>Makes and signs a vote.</summary>
    public static Vote Sign(VoteType type, ulong height, uint round, Hash256? blockId, string chainId, IConsensusKey key) =>
        new(type, height, round, blockId, key.PublicKey, key.Sign(SignedBytes(type, height, round, blockId, chainId)));

    /// <summary>The bytes under a vote's signature: they do not name the validator, its key does.</summary>
    public static byte[] SignedBytes(VoteType type, ulong height, uint round, Hash256? blockId, string chainId)
    {
        var body = new CanonicalWriter(64).U8((byte)type).U64(height).U32(round);
        EncodeBlockId(body, blockId);
        return SigningDomain.Vote.Frame(chainId, body.Written);
    }

    public bool SignatureVerifies(string chainId, ISignatureScheme scheme) => scheme.Verifies(Validator, SignedBytes(Type, Height, Round, BlockId, chainId), Signature);

    public void Encode(CanonicalWriter writer)
    {
        writer.U8((byte)Type).U64(Height).U32(Round);
        EncodeBlockId(writer, BlockId);
        writer.Raw(Validator.Bytes).Raw(Signature.Bytes);
    }

    /// <exception cref="MalformedException">Cut short, or not a vote.</exception>
    public static Vote Decode(ref CanonicalReader reader)
    {
        var type = (VoteType)reader.U8();
        if (!Enum.IsDefined(type)) throw new MalformedException($"{(byte)type} is not a vote type");
        return new Vote(type, reader.U64(), reader.U32(), DecodeBlockId(ref reader), new PublicKey(reader.Raw(PublicKey.Size)), new Signature(reader.Raw(Signature.Size)));
    }

    private static void EncodeBlockId(CanonicalWriter writer, Hash256? blockId)
    {
        writer.U8(blockId is null ? (byte)0 : (byte)1);
        if (blockId is { } id) writer.Hash(id);
    }

    private static Hash256? DecodeBlockId(ref CanonicalReader reader) => reader.U8() switch
    {
        0 => null,
        1 => reader.Hash(),
        var other => throw new MalformedException($"{other} says neither nil (0) nor a block id (1)"),
    };
}
