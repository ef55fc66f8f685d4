using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Storage;

/// <summary>A block's receipts as kept: encodings of equal size, one after another.</summary>
public static class StoredReceipts
{
    /// <summary>All of them.</summary>
    /// <exception cref="MalformedException">The stored bytes are damaged.</exception>
    public static IReadOnlyList<Receipt> Decode(ReadOnlySpan<byte> stored)
    {
        var reader = new CanonicalReader(stored);
        var receipts = new Receipt[stored.Length / Receipt.Size];
        for (var i = 0; i < receipts.Length; i++) receipts[i] = Receipt.Decode(ref reader);
        reader.End();
        return receipts;
    }

    /// <summary>The one at an index.</summary>
    public static Receipt At(ReadOnlySpan<byte> stored, uint index)
    {
        var reader = new CanonicalReader(stored.Slice(checked((int)index * Receipt.Size), Receipt.Size));
        return Receipt.Decode(ref reader);
    }
}

/// <summary>A block's events as kept: encodings of equal size, one after another.</summary>
public static class StoredEvents
{
    /// <summary>All of them.</summary>
    /// <exception cref="MalformedException">The stored bytes are damaged.</exception>
    public static IReadOnlyList<LedgerEvent> Decode(ReadOnlySpan<byte> stored)
    {
        var reader = new CanonicalReader(stored);
        var events = new LedgerEvent[stored.Length / LedgerEvent.Size];
        for (var i = 0; i < events.Length; i++) events[i] = LedgerEvent.Decode(ref reader);
        reader.End();
        return events;
    }

    /// <summary>How many there are.</summary>
    public static int Count(ReadOnlySpan<byte> stored) => stored.Length / LedgerEvent.Size;

    /// <summary>The one at an index.</summary>
    /// <exception cref="MalformedException">The stored bytes are damaged.</exception>
    public static LedgerEvent At(ReadOnlySpan<byte> stored, int index)
    {
        var reader = new CanonicalReader(stored.Slice(index * LedgerEvent.Size, LedgerEvent.Size));
        return LedgerEvent.Decode(ref reader);
    }

    /// <summary>Type and actor of the one at an index, without making an event.</summary>
    /// <exception cref="MalformedException">The stored bytes are damaged.</exception>
    public static (LedgerEventType Type, Did Actor) KindAt(ReadOnlySpan<byte> stored, int index)
    {
        var reader = new CanonicalReader(stored.Slice(index * LedgerEvent.Size, LedgerEvent.Size));
        return LedgerEvent.DecodeKind(ref reader);
    }
}
