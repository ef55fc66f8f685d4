using Akka.Actor;

namespace Vivim.Actors.Workers;

/// <summary>End for now, if nothing is left to do: then answered by <see cref="WorkerRetired"/>, otherwise not at all.</summary>
public sealed record RetireWorker(string Worker) : IWorkerMessage;

/// <summary>Answer to <see cref="RetireWorker"/>: it has no task that is not over, and stops until somebody wants it.</summary>
public sealed record WorkerRetired(string Worker) : IWorkerForm;

/// <summary>What do you know of this task? Answered by <see cref="TaskAnswer"/>, without a task where it knows none.</summary>
public sealed record FindTask(string Worker, string Id) : IWorkerMessage;

/// <summary>How many workers does this type have? Answered by <see cref="ScaleReport"/>.</summary>
/// <param name="Worker">The type.</param>
public sealed record ReadScale(string Worker) : IWorkerMessage;

/// <summary>So many workers of this type are to accept tasks; answered by <see cref="ScaleReport"/> when that is durable, or refused.</summary>
/// <param name="Worker">The type.</param>
/// <param name="Count">0 leaves it to the load.</param>
/// <param name="By">Who wants it.</param>
public sealed record SetScale(string Worker, int Count, string By) : IWorkerMessage;

/// <summary>Answer to <see cref="ReadScale"/> and <see cref="SetScale"/>.</summary>
/// <param name="Load">The mean load of the last sample, from 0 to 1.</param>
/// <param name="Refusal">Why nothing has changed; empty where it has, or nothing was asked for.</param>
public sealed record ScaleReport(ScaleRecorded State, int Least, int Most, double Load, string Refusal) : IWorkerForm
{
    /// <summary>The workers that are there: those that accept tasks, then those that drain.</summary>
    public IEnumerable<string> Workers(string type) => Enumerable.Range(0, State.Count).Concat(State.Draining).Select(partition => $"{type}-{partition}");
}
