namespace Vivim.Actors.Workers;

/// <summary>Where a worker is in its life. The numbers are in journals and on the wire.</summary>
public enum WorkerState
{
    Initialized = 1,
    Starting = 2,
    Running = 3,
    Stopping = 4,
    Stopped = 5,
    Failed = 6,
    Restarting = 7,
}

/// <summary>What happens to a worker.</summary>
public enum WorkerSignal
{
    /// <summary>It is to run.</summary>
    Start,

    /// <summary>It is ready to take tasks.</summary>
    Ready,

    /// <summary>It is to stop, after what it has begun.</summary>
    Stop,

    /// <summary>What it had begun is over, and it has let go of what it held.</summary>
    Drained,

    /// <summary>It cannot go on.</summary>
    Fail,

    /// <summary>The pause after a failure is over.</summary>
    Retry,
}

/// <summary>The life of a worker: the transitions that exist, and no others.</summary>
public static class WorkerLifecycle
{
    /// <summary>Every transition there is. A life begins as <see cref="WorkerState.Initialized"/>, and fails at once where the one before crashed.</summary>
    public static IReadOnlyDictionary<(WorkerState State, WorkerSignal Signal), WorkerState> Transitions { get; } = new Dictionary<(WorkerState, WorkerSignal), WorkerState>
    {
        [(WorkerState.Initialized, WorkerSignal.Start)] = WorkerState.Starting,
        [(WorkerState.Initialized, WorkerSignal.Fail)] = WorkerState.Failed,
        [(WorkerState.Starting, WorkerSignal.Ready)] = WorkerState.Running,
        [(WorkerState.Starting, WorkerSignal.Fail)] = WorkerState.Failed,
        [(WorkerState.Starting, WorkerSignal.Stop)] = WorkerState.Stopping,
        [(WorkerState.Running, WorkerSignal.Stop)] = WorkerState.Stopping,
        [(WorkerState.Running, WorkerSignal.Fail)] = WorkerState.Failed,
        [(WorkerState.Stopping, WorkerSignal.Drained)] = WorkerState.Stopped,
        [(WorkerState.Stopping, WorkerSignal.Fail)] = WorkerState.Failed,
        [(WorkerState.Stopped, WorkerSignal.Start)] = WorkerState.Starting,
        [(WorkerState.Failed, WorkerSignal.Retry)] = WorkerState.Restarting,
        [(WorkerState.Failed, WorkerSignal.Stop)] = WorkerState.Stopped,
        [(WorkerState.Restarting, WorkerSignal.Ready)] = WorkerState.Running,
        [(WorkerState.Restarting, WorkerSignal.Fail)] = WorkerState.Failed,
        [(WorkerState.Restarting, WorkerSignal.Stop)] = WorkerState.Stopping,
    };

    /// <summary>The state that follows; null where the signal means nothing in this state, which then stays.</summary>
    public static WorkerState? Next(WorkerState state, WorkerSignal signal) => Transitions.TryGetValue((state, signal), out var next) ? next : null;
}
