using Vivim.Actors.Workers;

namespace Vivim.Actors.Tasks;

/// <summary>What a worker's journal holds. Each event carries what is new as a whole, so that a journal reads the same however often it was compacted.</summary>
public interface ITaskEvent : IWorkerForm;

/// <summary>A worker has begun another life; what earlier ones had started is nobody's any more.</summary>
/// <param name="At">Unix milliseconds.</param>
public sealed record IncarnationBegun(string Owner, ulong Epoch, long At) : ITaskEvent;

/// <summary>A worker has ended its life in order.</summary>
public sealed record IncarnationEnded(ulong Epoch) : ITaskEvent;

/// <summary>A task is new, or has moved on; as it is now.</summary>
public sealed record TaskRecorded(WorkerTask Task) : ITaskEvent;

/// <summary>A schedule is new, has changed, or has left out missed runs.</summary>
/// <param name="Last">The run up to which nothing is to be done any more; Unix milliseconds.</param>
public sealed record ScheduleRecorded(Schedule Schedule, long Last) : ITaskEvent;

/// <summary>A worker has a schedule no longer.</summary>
public sealed record ScheduleDropped(string Name) : ITaskEvent;

/// <summary>Tasks that were over before this are forgotten.</summary>
/// <param name="Before">Unix milliseconds.</param>
public sealed record TasksForgotten(long Before) : ITaskEvent;

/// <summary>Everything, so that all events before are needed no longer.</summary>
public sealed record TaskBookSaved(TaskBookState State) : ITaskEvent;

/// <summary>A schedule and how far it is.</summary>
public sealed record ScheduleState(Schedule Schedule, long Last);

/// <summary>All that a worker's journal amounts to.</summary>
/// <param name="Over">Oldest first.</param>
public sealed record TaskBookState(
    ulong Epoch,
    bool EndedInOrder,
    ulong Crashes,
    ulong Done,
    ulong Failed,
    IReadOnlyList<WorkerTask> Open,
    IReadOnlyList<WorkerTask> Over,
    IReadOnlyList<ScheduleState> Schedules);
