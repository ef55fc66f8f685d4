using Vivim.Actors.Messaging;
using Vivim.Actors.Tasks;

namespace Vivim.Actors.Workers;

/// <summary>One attempt at a task.</summary>
/// <param name="Key">By which the effect is recognised: the same in every attempt.</param>
/// <param name="Epoch">Grows with every life of the worker: whoever keeps effects apart by it refuses the lower one.</param>
/// <param name="Number">From 1.</param>
public sealed record TaskAttempt(string Key, ulong Epoch, int Number, string Kind, string Argument);

/// <summary>Thrown by a job that has failed before it has done anything: it is tried again, even if it is not idempotent.</summary>
public sealed class NothingDoneException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// What a worker does; <see cref="WorkerActor"/> runs it. An instance has one life: initialize, start, work, stop. The calls come one after
/// another, but for <see cref="CheckHealth"/>, which comes beside others, <see cref="Receive"/>, which comes beside tasks, and <see cref="Stop"/>,
/// which after a failure may come while a job still runs. No call is on an actor's thread.
/// </summary>
public abstract class ServiceWorker
{
    private readonly TaskCompletionSource<Exception> broken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The type of a message that every worker answers, with the same payload.</summary>
    public const string Ping = "ping";

    /// <summary>The kinds of tasks it takes, and whether each is idempotent by its key.</summary>
    public abstract IReadOnlyDictionary<string, bool> Jobs { get; }

    /// <summary>What it does again and again.</summary>
    public virtual IReadOnlyList<Schedule> Schedules => [];

    /// <summary>Completes when the worker cannot go on.</summary>
    internal Task<Exception> Broken => broken.Task;

    /// <summary>Gets what it needs. An exception makes the worker fail, and be tried again.</summary>
    public abstract Task Initialize(CancellationToken cancellationToken);

    /// <summary>Begins what it does beside its tasks. An exception makes the worker fail, and be tried again.</summary>
    public abstract Task Start(CancellationToken cancellationToken);

    /// <summary>Lets go of everything; also after a failure at any point before.</summary>
    public abstract Task Stop(CancellationToken cancellationToken);

    /// <summary>
    /// Does a task. It should end soon after it is cancelled, which is when its time is over or the worker's: one that does not is left to itself,
    /// and may then be done again beside itself if it is idempotent.
    /// </summary>
    /// <returns>What came of it, for people.</returns>
    /// <exception cref="NothingDoneException">It has failed, and has done nothing. With any other exception its effect may have taken place.</exception>
    public abstract Task<string> Execute(TaskAttempt attempt, CancellationToken cancellationToken);

    /// <summary>
    /// Handles a message of the bus, while the worker runs and beside its tasks, one after another by their priority; what it returns is the answer,
    /// where one is asked for.
    /// </summary>
    /// <exception cref="NotSupportedException">It knows no messages of this type.</exception>
    public virtual Task<ReadOnlyMemory<byte>> Receive(WorkerMessage message, CancellationToken cancellationToken) => message.Type == Ping
        ? Task.FromResult(message.Payload)
        : throw new NotSupportedException($"it knows no messages of type {message.Type}");

    /// <summary>Tries what the worker really depends on.</summary>
    public abstract Task<WorkerHealth> CheckHealth(CancellationToken cancellationToken);

    /// <summary>
    /// Makes what lives beside the worker begin anew, where an operator wants the worker restarted: called once, after the former instance's
    /// <see cref="Stop"/> and before this one's <see cref="Initialize"/>, and awaited. An exception makes the worker fail, and be tried again without it.
    /// Does nothing by default.
    /// </summary>
    /// <param name="by">Who wants it.</param>
    public virtual Task Renew(string by, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Makes what lives beside the worker fail as well, where an operator wants the worker to fail: called once, beside other calls and not awaited.
    /// Does nothing by default.
    /// </summary>
    /// <param name="by">Who wants it.</param>
    public virtual Task Crash(string by, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>For what runs beside the tasks: says that the worker cannot go on, and is to be started anew.</summary>
    protected void Break(Exception cause) => broken.TrySetResult(cause);
}
