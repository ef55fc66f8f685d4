namespace Vivim.Actors.Supervision;

/// <summary>What can happen to an actor, a shard or a member. A number is for ever: it goes over the wire.</summary>
public enum SupervisionKind
{
    /// <summary>An actor or a shard has started, for the first time or after a stop.</summary>
    Started = 1,

    /// <summary>An actor has failed, and its supervisor has started it again in place, with its mailbox.</summary>
    Restarted = 2,

    /// <summary>An actor or a shard has stopped; with a cause where it did so because of a failure.</summary>
    Stopped = 3,

    /// <summary>An actor has failed, and its supervisor has left it to its own supervisor.</summary>
    Escalated = 4,

    /// <summary>An actor has failed, and its supervisor lets it go on with its state.</summary>
    Resumed = 5,

    /// <summary>An entity that has ended waits for its keeper to wake it.</summary>
    BackedOff = 6,

    /// <summary>An idle entity has asked to be stopped until somebody wants it.</summary>
    Passivated = 7,

    /// <summary>A shard has been given to another node.</summary>
    Rebalanced = 8,

    /// <summary>A member is up.</summary>
    MemberUp = 9,

    /// <summary>A member cannot be reached.</summary>
    Unreachable = 10,

    /// <summary>A member can be reached again.</summary>
    Reachable = 11,

    /// <summary>A member has been declared dead.</summary>
    Down = 12,

    /// <summary>A member is gone.</summary>
    MemberRemoved = 13,

    /// <summary>A service worker has gone from one state of its life to another; with a cause where it has failed.</summary>
    WorkerChanged = 14,
}

/// <summary>The failure behind an event: the exception's type and message, of bounded length and on one line. Both empty where there is none.</summary>
public readonly record struct FailureCause(string Type, string Message)
{
    private const int MaxType = 128;
    private const int MaxMessage = 512;

    /// <summary>No failure.</summary>
    public static readonly FailureCause None = new("", "");

    /// <summary>Whether there is a failure.</summary>
    public bool Exists => Type.Length > 0;

    /// <summary>Of an exception; what it merely wraps comes through.</summary>
    public static FailureCause Of(Exception? exception)
    {
        if (exception is null) return None;
        while (exception is AggregateException { InnerExceptions.Count: 1 } or System.Reflection.TargetInvocationException or TypeLoadException && exception.InnerException is { } inner) exception = inner;
        return new FailureCause(SupervisionEvent.Clip(exception.GetType().Name, MaxType), SupervisionEvent.Clip(exception.Message, MaxMessage));
    }
}

/// <summary>One entry of a node's supervision log.</summary>
/// <param name="Sequence">Its place in the node's log, from 1 on without a gap; 0 before it is in a log.</param>
/// <param name="At">Unix milliseconds, by the node's clock.</param>
/// <param name="Path">The actor or shard without an address, e.g. <c>/user/ledger</c>; of a member its address.</param>
/// <param name="Region">The type of the shard region, e.g. <c>pool</c>; empty where there is none.</param>
/// <param name="Entity">The sharded entity; empty where there is none.</param>
/// <param name="Detail">What else there is to say, as words; may be empty.</param>
public sealed record SupervisionEvent(ulong Sequence, SupervisionKind Kind, long At, string Path, string Region, string Entity, FailureCause Cause, string Detail)
{
    private const int MaxPath = 512;
    private const int MaxDetail = 256;

    /// <summary>An event that is in no log yet. Texts are cut to their bounds; region and entity are read from the path.</summary>
    public static SupervisionEvent Of(SupervisionKind kind, long at, string path, FailureCause cause, string detail = "")
    {
        var (region, entity) = SupervisedPath.Sharded(path);
        return new SupervisionEvent(0, kind, at, Clip(path, MaxPath), Clip(region, MaxPath), Clip(entity, MaxPath), cause, Clip(detail, MaxDetail));
    }

    /// <summary>A text on one line, no longer than the bound; a cut shows.</summary>
    internal static string Clip(string text, int bound)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length <= bound ? line : line[..(bound - 1)] + "…";
    }
}
