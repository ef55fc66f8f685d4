using V1 = Vivim.Protocol.V1;

namespace Vivim.Client;

/// <summary>
/// An operator's key, looking after the workers of a cluster through one of its nodes; tokens and their refusals as for
/// <see cref="ClusterOperator"/>. Safe for concurrent use. Does not own the key.
/// </summary>
public sealed class WorkerOperator
{
    private readonly OperatorCalls calls;
    private readonly V1.Workers.WorkersClient workers;

    internal WorkerOperator(OperatorCalls calls, V1.Workers.WorkersClient workers)
    {
        this.calls = calls;
        this.workers = workers;
    }

    /// <summary>All workers, with how they are.</summary>
    public Task<V1.ListWorkersResponse> ListAsync(CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => workers.ListAsync(new V1.ListWorkersRequest(), o), cancellationToken);

    /// <summary>All about one worker.</summary>
    /// <exception cref="VivimException">WORKER_UNKNOWN, WORKER_AWAY.</exception>
    public Task<V1.ShowWorkerResponse> ShowAsync(string worker, CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => workers.ShowAsync(new V1.ShowWorkerRequest { Worker = worker }, o), cancellationToken);

    /// <summary>Has a worker stop, after what it has begun, and start again; does not wait for it.</summary>
    /// <exception cref="VivimException">WORKER_UNKNOWN, WORKER_AWAY.</exception>
    public Task<V1.RestartWorkerResponse> RestartAsync(string worker, CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => workers.RestartAsync(new V1.RestartWorkerRequest { Worker = worker }, o), cancellationToken);

    /// <summary>Makes a worker fail on purpose, to see what follows.</summary>
    /// <exception cref="VivimException">WORKER_UNKNOWN, WORKER_AWAY.</exception>
    public Task<V1.CrashWorkerResponse> CrashAsync(string worker, CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => workers.CrashAsync(new V1.CrashWorkerRequest { Worker = worker }, o), cancellationToken);

    /// <summary>Fixes how many workers of a type accept tasks.</summary>
    /// <param name="count">0 leaves it to the load.</param>
    /// <exception cref="VivimException">WORKERS_NOT_SCALABLE, INVALID_ARGUMENT, WORKER_AWAY.</exception>
    public Task<V1.ScaleWorkersResponse> ScaleAsync(string type, uint count, CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => workers.ScaleAsync(new V1.ScaleWorkersRequest { Type = type, Count = count }, o), cancellationToken);

    /// <summary>Asks a worker over the workers' bus whether it hears.</summary>
    /// <exception cref="VivimException">WORKER_UNKNOWN, WORKER_AWAY, WORKER_BUSY.</exception>
    public Task<V1.PingWorkerResponse> PingAsync(string worker, CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => workers.PingAsync(new V1.PingWorkerRequest { Worker = worker }, o), cancellationToken);

    /// <summary>A page of a worker's tasks, in the order of their ids.</summary>
    /// <param name="phase">Only these; unspecified for all.</param>
    /// <param name="pageToken">From the last page; empty for the first.</param>
    /// <exception cref="VivimException">WORKER_UNKNOWN, WORKER_AWAY.</exception>
    public Task<V1.ListTasksResponse> ListTasksAsync(string worker, V1.TaskPhase phase = V1.TaskPhase.Unspecified, string pageToken = "", CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => workers.ListTasksAsync(new V1.ListTasksRequest { Worker = worker, Phase = phase, PageToken = pageToken }, o), cancellationToken);

    /// <summary>Gives a worker a task; the same again tells how far it is.</summary>
    /// <param name="task">Chosen by the caller, unique among the worker's tasks.</param>
    /// <exception cref="VivimException">WORKER_UNKNOWN, WORKER_AWAY, WORKER_BUSY, TASK_ID_TAKEN, INVALID_ARGUMENT.</exception>
    public Task<V1.SubmitTaskResponse> SubmitTaskAsync(string worker, string task, string kind, string argument = "", CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => workers.SubmitTaskAsync(new V1.SubmitTaskRequest { Worker = worker, Task = task, Kind = kind, Argument = argument }, o), cancellationToken);

    /// <summary>Decides about a task in doubt, or has a failed one tried again.</summary>
    /// <exception cref="VivimException">WORKER_UNKNOWN, WORKER_AWAY, TASK_UNKNOWN, TASK_NOT_IN_DOUBT.</exception>
    public Task<V1.ResolveTaskResponse> ResolveTaskAsync(string worker, string task, V1.TaskDecision decision, CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => workers.ResolveTaskAsync(new V1.ResolveTaskRequest { Worker = worker, Task = task, Decision = decision }, o), cancellationToken);
}
