using System.Buffers.Binary;
using System.Numerics;
using Vivim.Ledger.Storage;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Events;

/// <summary>
/// What tells, without the events of a block or of a section, that a filter matches none of them. Form: 8 bytes with a bit for each type that occurs,
/// then an entry of 5 bytes for each pair of actor and type, ascending, each once. An entry is 34 bits of the actor's hash and 6 of the type, so
/// that two actors may share one: a summary may say "perhaps" where nothing matches, but never "no" where something does
/// (docs/decisions/0017).
/// </summary>
public static class EventSummary
{
    /// <summary>Blocks of a section: heights from a multiple of this on. A chain keeps a summary of each block, and one of each section that is complete.</summary>
    public const ulong SectionBlocks = 256;

    /// <summary>Bytes of the types.</summary>
    private const int HeadBytes = sizeof(ulong);

    private const int EntryBytes = 5;

    private const int TypeBits = 6;

    /// <summary>The summary of one block.</summary>
    /// <param name="storedEvents">The block's events as kept, see <see cref="StoredEvents"/>.</param>
    public static byte[] Of(ReadOnlySpan<byte> storedEvents)
    {
        var types = 0UL;
        var entries = new HashSet<ulong>();
        for (var i = 0; i < StoredEvents.Count(storedEvents); i++)
        {
            var (type, actor) = StoredEvents.KindAt(storedEvents, i);
            types |= TypeBit(type);
            entries.Add(Entry(ActorHash(actor), type));
        }

        return Encode(types, entries);
    }

    /// <summary>The summary of all the events that these are summaries of.</summary>
    public static byte[] Merge(IEnumerable<byte[]> summaries)
    {
        var types = 0UL;
        var entries = new HashSet<ulong>();
        foreach (var summary in summaries)
        {
            types |= TypesOf(summary);
            var kept = summary.AsSpan(HeadBytes);
            for (var i = 0; i < kept.Length / EntryBytes; i++) entries.Add(ReadEntry(kept, i));
        }

        return Encode(types, entries);
    }

    /// <summary>The hash by which a summary knows an actor: the upper 34 bits of an entry.</summary>
    internal static ulong ActorHash(in Did actor)
    {
        var identifier = actor.Identifier.Bytes;
        var mixed = BinaryPrimitives.ReadUInt64LittleEndian(identifier) ^ BitOperations.RotateLeft(BinaryPrimitives.ReadUInt64LittleEndian(identifier[sizeof(ulong)..]), (int)actor.Method);
        // The finalizer of MurmurHash3: keys of a did:key are not hashes.
        mixed = (mixed ^ (mixed >> 33)) * 0xff51afd7ed558ccd;
        mixed = (mixed ^ (mixed >> 33)) * 0xc4ceb9fe1a85ec53;
        return (mixed ^ (mixed >> 33)) >> 30;
    }

    /// <summary>The bit of a type in the head of a summary. Types that are 64 apart share one.</summary>
    internal static ulong TypeBit(LedgerEventType type) => 1UL << TypeNumber(type);

    /// <summary>The bits of the types that occur.</summary>
    internal static ulong TypesOf(ReadOnlySpan<byte> summary) => BinaryPrimitives.ReadUInt64BigEndian(summary);

    /// <summary>Whether one of some actors may have made an event of one of some types.</summary>
    /// <param name="actorHashes">Ascending.</param>
    /// <param name="types">Bits of types.</param>
    internal static bool MayHave(ReadOnlySpan<byte> summary, ReadOnlySpan<ulong> actorHashes, ulong types)
    {
        var entries = summary[HeadBytes..];
        var count = entries.Length / EntryBytes;
        var at = 0;
        foreach (var hash in actorHashes)
        {
            at = FirstOf(entries, at, hash);
            for (; at < count && ReadEntry(entries, at) is var entry && entry >> TypeBits == hash; at++)
            {
                if ((types >> (int)(entry & ((1 << TypeBits) - 1)) & 1) != 0) return true;
            }
        }

        return false;
    }

    private static int TypeNumber(LedgerEventType type) => (int)type & ((1 << TypeBits) - 1);

    private static ulong Entry(ulong actorHash, LedgerEventType type) => actorHash << TypeBits | (uint)TypeNumber(type);

    /// <summary>The first entry from a place on that is not below those of an actor: found by doubling steps, as it is mostly near.</summary>
    private static int FirstOf(ReadOnlySpan<byte> entries, int from, ulong actorHash)
    {
        var count = entries.Length / EntryBytes;
        var (low, high) = (from, from);
        for (var step = 1; high < count && ReadEntry(entries, high) >> TypeBits < actorHash; step *= 2) (low, high) = (high + 1, high + step);
        high = Math.Min(high, count);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (ReadEntry(entries, middle) >> TypeBits < actorHash) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    private static ulong ReadEntry(ReadOnlySpan<byte> entries, int index)
    {
        var entry = entries.Slice(index * EntryBytes, EntryBytes);
        return (ulong)BinaryPrimitives.ReadUInt32BigEndian(entry) << 8 | entry[EntryBytes - 1];
    }

    private static byte[] Encode(ulong types, HashSet<ulong> entries)
    {
        var sorted = entries.ToArray();
        Array.Sort(sorted);
        var summary = new byte[HeadBytes + sorted.Length * EntryBytes];
        BinaryPrimitives.WriteUInt64BigEndian(summary, types);
        var at = summary.AsSpan(HeadBytes);
        foreach (var entry in sorted)
        {
            BinaryPrimitives.WriteUInt32BigEndian(at, (uint)(entry >> 8));
            at[EntryBytes - 1] = (byte)entry;
            at = at[EntryBytes..];
        }

        return summary;
    }
}
