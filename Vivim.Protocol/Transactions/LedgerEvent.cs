using System.Globalization;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;

namespace Vivim.Protocol.Transactions;

/// <summary>What happened.</summary>
public enum LedgerEventType : ushort
{
    /// <summary>The actor exists from now on; the subject is its signing key's did:key.</summary>
    IdentityRegistered = 1,

    /// <summary>The actor follows the subject.</summary>
    Followed = 2,

    /// <summary>The actor no longer follows the subject.</summary>
    Unfollowed = 3,

    /// <summary>The subject, a validator's did:key and the actor too, has signed two different votes for one step. The id is the evidence's.</summary>
    EquivocationProven = 4,

    /// <summary>The subject is removed from the validators for it.</summary>
    ValidatorJailed = 5,

    /// <summary>The actor, an authority, proposes another power for the subject.</summary>
    ValidatorChangeProposed = 6,

    /// <summary>The actor, an authority, agrees to it.</summary>
    ValidatorChangeApproved = 7,

    /// <summary>The subject has another power from two heights later on.</summary>
    ValidatorSetChanged = 8,
}

/// <summary>A typed, ordered fact of the chain, numbered (height, index); a leaf of the event root. Feeds, notifications and subscriptions are built from it.</summary>
public sealed record LedgerEvent(ulong Height, uint Index, LedgerEventType Type, Did Actor, Did Subject, Hash256 TransactionId)
{
    /// <summary>Size of the encoding in bytes.</summary>
    public const int Size = 8 + 4 + 2 + Did.Size + Did.Size + Hash256.Size;

    public EventCursor Cursor => new(Height, Index);

    /// <summary>The type as clients see it, e.g. IDENTITY_REGISTERED.</summary>
    public string TypeName => UpperSnakeCase.Of(Type.ToString());

    public void Encode(CanonicalWriter writer)
    {
        writer.U64(Height).U32(Index).U16((ushort)Type);
        Actor.Encode(writer);
        Subject.Encode(writer);
        writer.Hash(TransactionId);
    }

    /// <exception cref="MalformedException">Cut short, or an unknown type.</exception>
    public static LedgerEvent Decode(ref CanonicalReader reader) =>
        new(reader.U64(), reader.U32(), DecodeType(ref reader), Did.Decode(ref reader), Did.Decode(ref reader), reader.Hash());

    /// <summary>Reads type and actor alone: what filters look at. The reader stops after the actor.</summary>
    /// <exception cref="MalformedException">Cut short, or an unknown type.</exception>
    public static (LedgerEventType Type, Did Actor) DecodeKind(ref CanonicalReader reader)
    {
        reader.Raw(sizeof(ulong) + sizeof(uint));
        return (DecodeType(ref reader), Did.Decode(ref reader));
    }

    private static LedgerEventType DecodeType(ref CanonicalReader reader)
    {
        var type = (LedgerEventType)reader.U16();
        return Enum.IsDefined(type) ? type : throw new MalformedException($"{(ushort)type} is not an event type");
    }
}

/// <summary>The position of an event: <c>height:index</c>. A subscription starts at its cursor, inclusive.</summary>
public readonly record struct EventCursor(ulong Height, uint Index) : IComparable<EventCursor>
{
    /// <summary>No cursor is written longer, in characters.</summary>
    private const int MaxLength = 31;

    public int CompareTo(EventCursor other) => Height != other.Height ? Height.CompareTo(other.Height) : Index.CompareTo(other.Index);

    /// <summary>Reads <c>height:index</c>, or <c>height</c> alone for its first event: decimal digits, nothing else.</summary>
    /// <exception cref="FormatException">Neither.</exception>
    public static EventCursor Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        ReadOnlySpan<char> height = colon < 0 ? text : text.AsSpan(0, colon);
        ReadOnlySpan<char> index = colon < 0 ? "0" : text.AsSpan(colon + 1);
        if (ulong.TryParse(height, NumberStyles.None, provider: null, out var h) && uint.TryParse(index, NumberStyles.None, provider: null, out var i)) return new EventCursor(h, i);
        throw new FormatException($"'{(text.Length > MaxLength ? text[..MaxLength] + "…" : text)}' is not a cursor: write height:index, e.g. 12:0");
    }

    public override string ToString() => $"{Height}:{Index}";

    public static bool operator <(EventCursor left, EventCursor right) => left.CompareTo(right) < 0;

    public static bool operator >(EventCursor left, EventCursor right) => left.CompareTo(right) > 0;

    public static bool operator <=(EventCursor left, EventCursor right) => left.CompareTo(right) <= 0;

    public static bool operator >=(EventCursor left, EventCursor right) => left.CompareTo(right) >= 0;
}
