using Akka.Actor;

namespace Vivim.Actors.Supervision;

/// <summary>Something for the node's log that only its sender knows. Published on the node's event stream.</summary>
/// <param name="Path">The actor or shard, without an address.</param>
/// <param name="Detail">In words; may be empty.</param>
public sealed record SupervisionNotice(SupervisionKind Kind, string Path, FailureCause Cause, string Detail) : INoSerializationVerificationNeeded;

/// <summary>An event is in the node's log. Published on the node's event stream.</summary>
public sealed record SupervisionRecorded(SupervisionEvent Event) : INoSerializationVerificationNeeded;

/// <summary>The wanted events above a number, at most <see cref="PageSize"/>; answered by <see cref="SupervisionRead"/>.</summary>
/// <param name="Incarnation">The life of the node that the number is of; where it is another's, the node answers from its first event on.</param>
/// <param name="After">The last number that the asker knows.</param>
public sealed record ReadSupervision(int Incarnation, ulong After, SupervisionFilter Filter)
{
    /// <summary>Events in an answer.</summary>
    public const int PageSize = 256;
}

/// <summary>The newest wanted events; answered by <see cref="SupervisionRead"/>.</summary>
/// <param name="Count">At most; above <see cref="MaxCount"/> it counts as that.</param>
public sealed record ReadSupervisionTail(int Count, SupervisionFilter Filter)
{
    /// <summary>Events that can be asked for.</summary>
    public const int MaxCount = 1_000;
}

/// <summary>Events of one node.</summary>
/// <param name="Node">Its name; its address where it has none.</param>
/// <param name="Address">As Akka.NET writes it.</param>
/// <param name="Incarnation">Differs between two lives of a node at one address.</param>
/// <param name="Next">Where to read on.</param>
/// <param name="Lost">Events, wanted or not, that were dropped before the asker came for them.</param>
public sealed record SupervisionRead(string Node, string Address, int Incarnation, ulong Next, ulong Lost, IReadOnlyList<SupervisionEvent> Events) : INodePage
{
    /// <summary>Whether there is nothing new.</summary>
    public bool IsEmpty => Events.Count == 0 && Lost == 0;

    public bool IsFull => Events.Count == ReadSupervision.PageSize;
}
