using Akka.Actor;
using Vivim.Actors.Tasks;

namespace Vivim.Actors.Workers;

/// <summary>What <see cref="WorkerSerializer"/> has a form for.</summary>
public interface IWorkerForm;

/// <summary>A message for one worker.</summary>
public interface IWorkerMessage : IWorkerForm
{
    /// <summary>Its id, <c>type-partition</c>.</summary>
    string Worker { get; }
}

/// <summary>Be there; from the keeper.</summary>
public sealed record WakeWorker(string Worker) : IWorkerMessage;

/// <summary>Do this; answered by <see cref="TaskAnswer"/> when it is durable. The same again is answered with what is known of it, as long as that is kept.</summary>
/// <param name="DueAt">Not before; Unix milliseconds.</param>
public sealed record SubmitTask(string Worker, string Id, string Kind, string Argument, long DueAt) : IWorkerMessage;

/// <summary>Answer to <see cref="SubmitTask"/> and <see cref="ResolveTask"/>.</summary>
/// <param name="Message">A sentence, where it was refused.</param>
/// <param name="Task">As it is now; null where it was refused.</param>
public sealed record TaskAnswer(TaskRefusal Refusal, string Message, WorkerTask? Task) : IWorkerForm;

/// <summary>How are you? Answered by <see cref="WorkerReport"/>.</summary>
public sealed record ReadWorker(string Worker) : IWorkerMessage;

/// <summary>Stop, after what is begun, and start again; answered by <see cref="WorkerReport"/> at once.</summary>
/// <param name="By">Who wants it.</param>
public sealed record RestartWorker(string Worker, string By) : IWorkerMessage;

/// <summary>Fail, as if by a fault of your own: what follows is supervision's. Answered by <see cref="WorkerReport"/>, as it was before.</summary>
/// <param name="By">Who wants it.</param>
public sealed record CrashWorker(string Worker, string By) : IWorkerMessage;

/// <summary>Which tasks are there? Answered by <see cref="TaskList"/>: in the order of their ids.</summary>
/// <param name="Phase">Only those; null for all.</param>
/// <param name="After">Only ids after this one.</param>
public sealed record ListTasks(string Worker, TaskPhase? Phase, string After, int Limit) : IWorkerMessage
{
    public const int MaxLimit = 500;
}

/// <summary>Answer to <see cref="ListTasks"/>.</summary>
public sealed record TaskList(IReadOnlyList<WorkerTask> Tasks, bool More) : IWorkerForm;

/// <summary>An operator's decision about a task in doubt; answered by <see cref="TaskAnswer"/> when it is durable.</summary>
public sealed record ResolveTask(string Worker, string Id, TaskDecision Decision, string By) : IWorkerMessage;

/// <summary>Hand over: end what is begun, then stop.</summary>
public sealed record LeaveWorker : INoSerializationVerificationNeeded;

/// <summary>How well a worker is. The numbers are on the wire.</summary>
public enum HealthStatus
{
    /// <summary>Not probed yet.</summary>
    Unknown = 0,
    Healthy = 1,

    /// <summary>It works, less well.</summary>
    Degraded = 2,

    /// <summary>It cannot do its work.</summary>
    Unhealthy = 3,
}

/// <summary>What a probe has found.</summary>
/// <param name="Message">A sentence for people.</param>
public sealed record WorkerHealth(HealthStatus Status, string Message);

/// <summary>What a worker has done. Counts of tasks are of all its lives, times of this one.</summary>
/// <param name="InDoubt">Tasks that wait for an operator now.</param>
/// <param name="Waiting">Open tasks that are not in doubt: the depth of its durable mailbox.</param>
/// <param name="Restarts">Failures it has come back from, in all its lives, crashes of its node included.</param>
public sealed record WorkerMetrics(ulong Done, ulong Failed, int InDoubt, int Waiting, TimeSpan Processing, TimeSpan Throttled, ulong Restarts);

/// <summary>A change of state; published on the node's event stream as well.</summary>
/// <param name="At">Unix milliseconds.</param>
/// <param name="Cause">Empty where there is none beyond the usual.</param>
public sealed record WorkerChange(WorkerState From, WorkerState To, long At, string Cause);

/// <summary>Published on the node's event stream at each change of state.</summary>
public sealed record WorkerStateChanged(string Worker, WorkerChange Change) : INoSerializationVerificationNeeded;

/// <summary>All about a worker. Published on the node's event stream too, when something of it has changed.</summary>
/// <param name="Since">When it came into this state; Unix milliseconds.</param>
/// <param name="Note">Why it is in this state or what it waits for; empty for nothing.</param>
/// <param name="Changes">The last changes of state in this life, oldest first.</param>
public sealed record WorkerReport(
    WorkerConfig Config,
    string Node,
    WorkerState State,
    long Since,
    string Note,
    ulong Epoch,
    WorkerHealth Health,
    WorkerMetrics Metrics,
    IReadOnlyList<ScheduleState> Schedules,
    IReadOnlyList<WorkerChange> Changes) : IWorkerForm;

/// <summary>Published on the node's event stream when a worker is here no longer.</summary>
public sealed record WorkerGone(string Worker) : INoSerializationVerificationNeeded;
