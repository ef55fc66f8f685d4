using Vivim.Protocol.Encoding;

namespace Vivim.Protocol.Transactions;

/// <summary>What became of an included transaction. All but <see cref="Ok"/> change nothing beyond the nonce and the quota.</summary>
public enum ReceiptCode : ushort
{
    Ok = 0,

    /// <summary>The identity exists already.</summary>
    IdentityExists = 1,

    /// <summary>The signing key belongs to an identity already.</summary>
    KeyInUse = 2,

    /// <summary>The person to follow is not registered.</summary>
    FolloweeUnknown = 3,

    /// <summary>Nobody follows themselves.</summary>
    SelfFollow = 4,

    /// <summary>The sender follows this person already.</summary>
    AlreadyFollowing = 5,

    /// <summary>The sender does not follow this person.</summary>
    NotFollowing = 6,

    /// <summary>The validator set cannot be changed so: nobody would be left, it would be too large, or it is so already.</summary>
    ChangeImpossible = 7,

    /// <summary>The authority named has no such open proposal.</summary>
    ProposalUnknown = 8,

    /// <summary>The sender has approved the proposal before.</summary>
    AlreadyApproved = 9,
}

/// <summary>The outcome of the transaction at <paramref name="Index"/> in the block at <paramref name="Height"/>; a leaf of the receipt root.</summary>
/// <param name="EventCount">How many events it made.</param>
public sealed record Receipt(Hash256 TransactionId, ulong Height, uint Index, ReceiptCode Code, ushort EventCount)
{
    /// <summary>Size of the encoding in bytes.</summary>
    public const int Size = Hash256.Size + 8 + 4 + 2 + 2;

    /// <summary>The code as clients see it, e.g. ALREADY_FOLLOWING.</summary>
    public string CodeName => UpperSnakeCase.Of(Code.ToString());

    public void Encode(CanonicalWriter writer) => writer.Hash(TransactionId).U64(Height).U32(Index).U16((ushort)Code).U16(EventCount);

    /// <exception cref="MalformedException">Cut short, or an unknown code.</exception>
    public static Receipt Decode(ref CanonicalReader reader)
    {
        var receipt = new Receipt(reader.Hash(), reader.U64(), reader.U32(), (ReceiptCode)reader.U16(), reader.U16());
        return Enum.IsDefined(receipt.Code) ? receipt : throw new MalformedException($"{(ushort)receipt.Code} is not a receipt code");
    }
}
