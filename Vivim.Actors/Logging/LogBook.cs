namespace Vivim.Actors.Logging;

/// <summary>The newest records of a node's log. Safe for concurrent use: whoever logs writes to it directly.</summary>
/// <param name="capacity">Records kept, each of at most about 7 kB.</param>
public sealed class LogBook(int capacity)
{
    private readonly Lock gate = new();
    private readonly NumberedRing<LogRecord> ring = new(capacity);

    public void Append(LogRecord record)
    {
        lock (gate) ring.Append(number => record with { Sequence = number });
    }

    /// <inheritdoc cref="NumberedRing{T}.Read"/>
    public RingPage<LogRecord> Read(ulong after, int max, LogFilter filter)
    {
        lock (gate) return ring.Read(after, max, filter.Wants);
    }

    /// <inheritdoc cref="NumberedRing{T}.Tail"/>
    public RingPage<LogRecord> Tail(int count, LogFilter filter)
    {
        lock (gate) return ring.Tail(count, filter.Wants);
    }
}
