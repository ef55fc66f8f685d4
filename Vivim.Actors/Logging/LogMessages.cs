namespace Vivim.Actors.Logging;

/// <summary>The wanted records above a number, at most <see cref="PageSize"/>; answered by <see cref="LogRead"/>.</summary>
/// <param name="Incarnation">The life of the node that the number is of; where it is another's, the node answers from its first record on.</param>
/// <param name="After">The last number that the asker knows.</param>
public sealed record ReadLog(int Incarnation, ulong After, LogFilter Filter)
{
    /// <summary>Records in an answer.</summary>
    public const int PageSize = 256;
}

/// <summary>The newest wanted records; answered by <see cref="LogRead"/>.</summary>
/// <param name="Count">At most; above <see cref="MaxCount"/> it counts as that.</param>
public sealed record ReadLogTail(int Count, LogFilter Filter)
{
    /// <summary>Records that can be asked for.</summary>
    public const int MaxCount = 1_000;
}

/// <summary>Records of one node.</summary>
/// <param name="Node">Its name; its address where it has none.</param>
/// <param name="Incarnation">Differs between two lives of a node at one address.</param>
/// <param name="Next">Where to read on.</param>
/// <param name="Lost">Records, wanted or not, that were dropped before the asker came for them.</param>
public sealed record LogRead(string Node, int Incarnation, ulong Next, ulong Lost, IReadOnlyList<LogRecord> Records) : INodePage
{
    public bool IsEmpty => Records.Count == 0 && Lost == 0;

    public bool IsFull => Records.Count == ReadLog.PageSize;
}
