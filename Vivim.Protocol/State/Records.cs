using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;

namespace Vivim.Protocol.State;

/// <summary>A sender's account. It exists from the first transaction included, or from the first follower; until then it counts as <see cref="Empty"/>.</summary>
/// <param name="Nonce">The next transaction's nonce.</param>
/// <param name="QuotaWindow">The window that <paramref name="QuotaUsed"/> counts: height / window heights.</param>
/// <param name="QuotaUsed">Actions included in that window.</param>
/// <param name="Followers">How many edges point here: whoever has proven that many has them all.</param>
/// <param name="Following">How many edges start here.</param>
public sealed record AccountRecord(ulong Nonce, ulong QuotaWindow, uint QuotaUsed, uint Followers, uint Following)
{
    public static readonly AccountRecord Empty = new(0, 0, 0, 0, 0);

    /// <summary>Actions left to the sender at a height.</summary>
    public uint QuotaLeft(ulong height, uint windowHeights, uint quota) => QuotaWindow == height / windowHeights ? quota - Math.Min(quota, QuotaUsed) : quota;

    public byte[] ToBytes() => new CanonicalWriter(28).U64(Nonce).U64(QuotaWindow).U32(QuotaUsed).U32(Followers).U32(Following).ToArray();

    /// <exception cref="MalformedException">Not an account.</exception>
    public static AccountRecord FromBytes(ReadOnlySpan<byte> bytes)
    {
        var reader = new CanonicalReader(bytes);
        var record = new AccountRecord(reader.U64(), reader.U64(), reader.U32(), reader.U32(), reader.U32());
        reader.End();
        return record;
    }
}

/// <summary>A registered identity.</summary>
/// <param name="SigningKey">Signs its transactions.</param>
/// <param name="RotationKeys">May replace the signing key, strongest first.</param>
/// <param name="RegisteredAt">The height of its registration.</param>
public sealed record IdentityRecord(PublicKey SigningKey, IReadOnlyList<PublicKey> RotationKeys, ulong RegisteredAt)
{
    public byte[] ToBytes()
    {
        var writer = new CanonicalWriter(128).Raw(SigningKey.Bytes).U64(RegisteredAt).U8((byte)RotationKeys.Count);
        foreach (var key in RotationKeys) writer.Raw(key.Bytes);
        return writer.ToArray();
    }

    /// <exception cref="MalformedException">Not an identity.</exception>
    public static IdentityRecord FromBytes(ReadOnlySpan<byte> bytes)
    {
        var reader = new CanonicalReader(bytes);
        var signing = new PublicKey(reader.Raw(PublicKey.Size));
        var registeredAt = reader.U64();
        var count = reader.U8();
        if (count is 0 or > RegisterIdentity.MaxRotationKeys) throw new MalformedException($"{count} rotation keys");
        var rotation = new PublicKey[count];
        for (var i = 0; i < count; i++) rotation[i] = new PublicKey(reader.Raw(PublicKey.Size));
        reader.End();
        return new IdentityRecord(signing, rotation, registeredAt);
    }
}

/// <summary>A follow in force, and where it was made.</summary>
public sealed record EdgeRecord(EventCursor Since)
{
    public byte[] ToBytes() => new CanonicalWriter(12).U64(Since.Height).U32(Since.Index).ToArray();

    /// <exception cref="MalformedException">Not an edge.</exception>
    public static EdgeRecord FromBytes(ReadOnlySpan<byte> bytes)
    {
        var reader = new CanonicalReader(bytes);
        var record = new EdgeRecord(new EventCursor(reader.U64(), reader.U32()));
        reader.End();
        return record;
    }
}

/// <summary>An authority's open proposal to change the validator set.</summary>
/// <param name="Id">The id of the transaction that made it.</param>
/// <param name="Power">The validator's power to be; 0 removes it.</param>
/// <param name="ProposedAt">The height it was made at.</param>
/// <param name="Approvals">Who has agreed, in the order of their keys, the proposer among them.</param>
public sealed record ValidatorProposal(Hash256 Id, PublicKey Validator, ulong Power, ulong ProposedAt, IReadOnlyList<PublicKey> Approvals)
{
    /// <summary>A proposal can be approved for this many heights.</summary>
    public const ulong Lifetime = 10_000;

    /// <summary>Whether it can be approved at a height no longer.</summary>
    public bool IsExpired(ulong height) => height - ProposedAt > Lifetime;

    public byte[] ToBytes()
    {
        var writer = new CanonicalWriter(256).Hash(Id).Raw(Validator.Bytes).U64(Power).U64(ProposedAt).U32((uint)Approvals.Count);
        foreach (var key in Approvals) writer.Raw(key.Bytes);
        return writer.ToArray();
    }

    /// <exception cref="MalformedException">Not a proposal.</exception>
    public static ValidatorProposal FromBytes(ReadOnlySpan<byte> bytes)
    {
        var reader = new CanonicalReader(bytes);
        var (id, validator, power, proposedAt) = (reader.Hash(), new PublicKey(reader.Raw(PublicKey.Size)), reader.U64(), reader.U64());
        var approvals = new PublicKey[reader.Count(ValidatorSet.MaxValidators, PublicKey.Size)];
        for (var i = 0; i < approvals.Length; i++)
        {
            approvals[i] = new PublicKey(reader.Raw(PublicKey.Size));
            if (i > 0 && approvals[i] <= approvals[i - 1]) throw new MalformedException("approvals are not in ascending order of their keys");
        }

        reader.End();
        return new ValidatorProposal(id, validator, power, proposedAt, approvals);
    }
}
