using System.Collections.Concurrent;
using Akka.Actor;
using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;

namespace Vivim.Tests.Workers;

/// <summary>What the jobs of scripted workers do, and what they have done.</summary>
internal sealed class Effects
{
    /// <summary>Every call of a job, by its key.</summary>
    public ConcurrentQueue<TaskAttempt> Attempts { get; } = new();

    /// <summary>What a job does; the effect counts as taken place when it is called.</summary>
    public Func<TaskAttempt, CancellationToken, Task<string>> Job { get; set; } = static (_, _) => Task.FromResult("ok");

    public Func<Task> Launching { get; set; } = static () => Task.CompletedTask;

    /// <summary>Cancels the launch under way.</summary>
    public CancellationToken Launch { get; set; }

    public Func<Task> Renewing { get; set; } = static () => Task.CompletedTask;

    /// <summary>Who wanted what lives beside the worker to begin anew, each time.</summary>
    public ConcurrentQueue<string> Renewals { get; } = new();

    public Func<WorkerHealth> Health { get; set; } = static () => new WorkerHealth(HealthStatus.Healthy, "fine");

    public int Stops;

    /// <summary>The instance of the last life.</summary>
    public ScriptedWorker? Last { get; set; }

    public int CountOf(string key) => Attempts.Count(attempt => attempt.Key == key);
}

/// <summary>A worker that does as the test says: <c>store</c> can be done again, <c>charge</c> cannot.</summary>
internal sealed class ScriptedWorker(Effects effects) : ServiceWorker
{
    public override IReadOnlyDictionary<string, bool> Jobs { get; } = new Dictionary<string, bool> { ["store"] = true, ["charge"] = false };

    public override Task Initialize(CancellationToken cancellationToken)
    {
        effects.Launch = cancellationToken;
        return effects.Launching();
    }

    public override Task Renew(string by, CancellationToken cancellationToken)
    {
        effects.Renewals.Enqueue(by);
        return effects.Renewing();
    }

    public override Task Start(CancellationToken cancellationToken)
    {
        effects.Last = this;
        return Task.CompletedTask;
    }

    public override Task Stop(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref effects.Stops);
        return Task.CompletedTask;
    }

    public override Task<string> Execute(TaskAttempt attempt, CancellationToken cancellationToken)
    {
        effects.Attempts.Enqueue(attempt);
        return effects.Job(attempt, cancellationToken);
    }

    public override Task<WorkerHealth> CheckHealth(CancellationToken cancellationToken) => Task.FromResult(effects.Health());

    public void BreakNow(string why) => Break(new InvalidOperationException(why));
}

/// <summary>Stop the worker as a crash would: whatever it is at.</summary>
internal sealed record KillWorker(string Worker) : INoSerializationVerificationNeeded;

/// <summary>Stands for the shard region of workers: one actor per id, started by the first message after it is gone. While it stops, messages are lost.</summary>
internal sealed class WorkerRegion : ReceiveActor
{
    public WorkerRegion(Func<string, Props> props)
    {
        Receive<KillWorker>(crash =>
        {
            if (Context.Child(crash.Worker) is { } child && !child.IsNobody()) Context.Stop(child);
        });
        Receive<IWorkerMessage>(message =>
        {
            var worker = Context.Child(message.Worker);
            if (worker.IsNobody()) worker = Context.ActorOf(props(message.Worker), message.Worker);
            worker.Forward(message);
        });
    }
}
