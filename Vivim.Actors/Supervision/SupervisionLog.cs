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

/// <summary>The newest events of a node, in a <see cref="NumberedRing{T}"/>. Not safe for concurrent use.</summary>
/// <param name="capacity">Events kept; at least 1.</param>
public sealed class SupervisionLog(int capacity)
{
    private readonly NumberedRing<SupervisionEvent> ring = new(capacity);

    /// <summary>The number of the newest event; 0 when there was none.</summary>
    public ulong Last => ring.Last;

    /// <summary>The number of the oldest event that is kept; one above <see cref="Last"/> when there is none.</summary>
    public ulong Oldest => ring.Oldest;

    /// <returns>The event with its number.</returns>
    public SupervisionEvent Append(SupervisionEvent e) => ring.Append(number => e with { Sequence = number });

    /// <inheritdoc cref="NumberedRing{T}.Read"/>
    public SupervisionPage Read(ulong after, int max, SupervisionFilter filter) => PageOf(ring.Read(after, max, filter.Wants));

    /// <inheritdoc cref="NumberedRing{T}.Tail"/>
    public SupervisionPage Tail(int count, SupervisionFilter filter) => PageOf(ring.Tail(count, filter.Wants));

    private static SupervisionPage PageOf(RingPage<SupervisionEvent> page) => new(page.Entries, page.Next, page.Lost);
}
