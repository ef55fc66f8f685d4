namespace Vivim.Actors.Tasks;

/// <summary>How far a task is: <c>intended -> started -> done | in doubt | failed</c>. The numbers are in journals and on the wire.</summary>
public enum TaskPhase
{
    /// <summary>It is to be done, now or when it is due; also after a failed attempt that is worth another.</summary>
    Intended = 1,

    /// <summary>Whoever has the lease is at it: its effect may have taken place or not.</summary>
    Started = 2,

    /// <summary>Its effect has taken place, once.</summary>
    Done = 3,

    /// <summary>Nobody knows whether its effect has taken place, and to do it again could do it twice: an operator decides.</summary>
    InDoubt = 4,

    /// <summary>Given up after as many attempts as the policy has.</summary>
    Failed = 5,
}

/// <summary>The right to carry out a task, for a time.</summary>
/// <param name="Owner">The node.</param>
/// <param name="Epoch">The incarnation of the worker, counted in its journal: of two the one with the lower number writes nothing any more.</param>
/// <param name="Until">Unix milliseconds. Another node takes an idempotent task over after that; the same node at once, as its former process is gone.</param>
public sealed record TaskLease(string Owner, ulong Epoch, long Until);

/// <summary>A task of a worker, as of its last journalled event. Times are Unix milliseconds.</summary>
public sealed record WorkerTask
{
    /// <summary>Bytes of an argument, in UTF-8.</summary>
    public const int MaxArgument = 16 << 10;

    /// <summary>Letters of an id, or a kind.</summary>
    public const int MaxName = 128;

    /// <summary>Letters kept of an outcome.</summary>
    public const int MaxOutcome = 1_000;

    /// <summary>Unique among a worker's tasks. With the worker's id it is the key by which an effect is recognised as done.</summary>
    public required string Id { get; init; }

    /// <summary>Which of the worker's jobs.</summary>
    public required string Kind { get; init; }

    /// <summary>What the job works on; the kind says in which form.</summary>
    public string Argument { get; init; } = "";

    /// <summary>Whether to do it again with the same key changes nothing.</summary>
    public bool IsIdempotent { get; init; }

    /// <summary>The schedule that intended it; empty for none.</summary>
    public string Schedule { get; init; } = "";

    /// <summary>Which run of its schedule.</summary>
    public long Occurrence { get; init; }

    public long IntendedAt { get; init; }

    /// <summary>Not before.</summary>
    public long DueAt { get; init; }

    /// <summary>Begun so far.</summary>
    public int Attempts { get; init; }

    public TaskPhase Phase { get; init; } = TaskPhase.Intended;

    /// <summary>While it is started.</summary>
    public TaskLease? Lease { get; init; }

    /// <summary>What came of it, or why the last attempt failed, or why it is in doubt.</summary>
    public string Outcome { get; init; } = "";

    /// <summary>When it became done or failed; 0 before.</summary>
    public long EndedAt { get; init; }

    /// <summary>Whether nothing more happens with it.</summary>
    public bool IsOver => Phase is TaskPhase.Done or TaskPhase.Failed;

    /// <summary>Bytes that it is counted with in a queue.</summary>
    public long Size => 256 + System.Text.Encoding.UTF8.GetByteCount(Argument) + (2 * (Id.Length + Kind.Length + Outcome.Length));
}
