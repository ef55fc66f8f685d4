namespace Vivim.Actors;

/// <summary>What a reader of a <see cref="NumberedRing{T}"/> gets at once.</summary>
/// <param name="Next">The last entry looked at: where to read on.</param>
/// <param name="Lost">Entries, wanted or not, that were dropped before the reader came for them.</param>
public sealed record RingPage<T>(IReadOnlyList<T> Entries, ulong Next, ulong Lost);

/// <summary>
/// The newest entries of something, numbered from 1 on without a gap. When it is full each new entry drops the oldest; a reader that comes too late
/// is told how many it has missed. Not safe for concurrent use.
/// </summary>
/// <param name="capacity">Entries kept; at least 1.</param>
public sealed class NumberedRing<T>(int capacity)
{
    private readonly T[] ring = new T[capacity >= 1 ? capacity : throw new ArgumentOutOfRangeException(nameof(capacity), capacity, "at least one entry is kept")];

    /// <summary>The number of the newest entry; 0 when there was none.</summary>
    public ulong Last { get; private set; }

    /// <summary>The number of the oldest entry that is kept; one above <see cref="Last"/> when there is none.</summary>
    public ulong Oldest => Last - Math.Min(Last, (ulong)ring.Length) + 1;

    /// <param name="make">Makes the entry of its number.</param>
    public T Append(Func<ulong, T> make)
    {
        var entry = make(Last + 1);
        ring[Slot(++Last)] = entry;
        return entry;
    }

    /// <summary>The wanted entries above a number, oldest first.</summary>
    /// <param name="after">The last one the reader knows; a number that is still to come counts as <see cref="Last"/>.</param>
    /// <param name="max">Entries at once.</param>
    public RingPage<T> Read(ulong after, int max, Func<T, bool> wants)
    {
        var known = Math.Min(after, Last);
        var lost = Oldest > known + 1 ? Oldest - 1 - known : 0;
        var next = known + lost;
        var entries = new List<T>();
        while (next < Last && entries.Count < max)
        {
            var entry = ring[Slot(++next)];
            if (wants(entry)) entries.Add(entry);
        }

        return new RingPage<T>(entries, next, lost);
    }

    /// <summary>The newest wanted entries, oldest first; the reader goes on at <see cref="Last"/>.</summary>
    /// <param name="count">Entries at most.</param>
    public RingPage<T> Tail(int count, Func<T, bool> wants)
    {
        var entries = new List<T>();
        for (var sequence = Last; sequence >= Oldest && entries.Count < count; sequence--)
        {
            var entry = ring[Slot(sequence)];
            if (wants(entry)) entries.Add(entry);
        }

        entries.Reverse();
        return new RingPage<T>(entries, Last, 0);
    }

    private int Slot(ulong sequence) => (int)(sequence % (ulong)ring.Length);
}
