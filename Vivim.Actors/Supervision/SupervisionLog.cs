namespace Vivim.Actors.Supervision;

/// <summary>Which events a reader wants; one that asks for nothing wants all.</summary>
/// <param name="Kinds">Empty: all.</param>
/// <param name="PathPrefix">What the path begins with; empty: any.</param>
public sealed record SupervisionFilter(IReadOnlyList<SupervisionKind> Kinds, string PathPrefix)
{
    /// <summary>Wants all.</summary>
    public static readonly SupervisionFilter All = new([], "");

    public bool Wants(SupervisionEvent e) => (Kinds.Count == 0 || Kinds.Contains(e.Kind)) && e.Path.StartsWith(PathPrefix, StringComparison.Ordinal);
}

/// <summary>What a reader gets at once.</summary>
/// <param name="Next">The last event looked at: where to read on.</param>
/// <param name="Lost">Events, wanted or not, that were dropped before the reader came for them.</param>
public sealed record SupervisionPage(IReadOnlyList<SupervisionEvent> Events, ulong Next, ulong Lost);

/// <summary>
/// The newest events of a node, numbered without a gap. When it is full each new event drops the oldest; a reader that comes too late is told how
/// many it has missed. Not safe for concurrent use.
/// </summary>
public sealed class SupervisionLog
{
    private readonly SupervisionEvent[] ring;

    /// <param name="capacity">Events kept; at least 1.</param>
    public SupervisionLog(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ring = new SupervisionEvent[capacity];
    }

    /// <summary>The number of the newest event; 0 when there was none.</summary>
    public ulong Last { get; private set; }

    /// <summary>The number of the oldest event that is kept; one above <see cref="Last"/> when there is none.</summary>
    public ulong Oldest => Last - Math.Min(Last, (ulong)ring.Length) + 1;

    /// <returns>The event with its number.</returns>
    public SupervisionEvent Append(SupervisionEvent e)
    {
        var numbered = e with { Sequence = ++Last };
        ring[Slot(Last)] = numbered;
        return numbered;
    }

    /// <summary>The wanted events above a number, oldest first.</summary>
    /// <param name="after">The last one the reader knows; a number that is still to come counts as <see cref="Last"/>.</param>
    /// <param name="max">Events at once.</param>
    public SupervisionPage Read(ulong after, int max, SupervisionFilter filter)
    {
        var known = Math.Min(after, Last);
        var lost = Oldest > known + 1 ? Oldest - 1 - known : 0;
        var next = known + lost;
        var events = new List<SupervisionEvent>();
        while (next < Last && events.Count < max)
        {
            var e = ring[Slot(++next)];
            if (filter.Wants(e)) events.Add(e);
        }

        return new SupervisionPage(events, next, lost);
    }

    /// <summary>The newest wanted events, oldest first; the reader goes on at <see cref="Last"/>.</summary>
    /// <param name="count">Events at most.</param>
    public SupervisionPage Tail(int count, SupervisionFilter filter)
    {
        var events = new List<SupervisionEvent>();
        for (var sequence = Last; sequence >= Oldest && events.Count < count; sequence--)
        {
            var e = ring[Slot(sequence)];
            if (filter.Wants(e)) events.Add(e);
        }

        events.Reverse();
        return new SupervisionPage(events, Last, 0);
    }

    private int Slot(ulong sequence) => (int)(sequence % (ulong)ring.Length);
}
