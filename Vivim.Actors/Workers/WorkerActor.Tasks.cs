using Akka.Actor;
using Akka.Event;
using Vivim.Actors.Tasks;

namespace Vivim.Actors.Workers;

/// <content>The worker's tasks: one at a time, within its share of the processor, and when it is its turn.</content>
public sealed partial class WorkerActor
{
    /// <summary>Clocks may be set: nobody sleeps longer.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan ShortestSleep = TimeSpan.FromMilliseconds(10);

    /// <summary>How long tasks are kept that are over, unless there are more than <see cref="TaskBook.History"/>.</summary>
    private static readonly TimeSpan KeepFinished = TimeSpan.FromDays(7);

    private Attempt? attempt;
    private bool hasAskedTurn;
    private ulong doneAtFailure;

    private sealed record StepDue : INoSerializationVerificationNeeded;

    private sealed record AttemptOver(Attempt Attempt, AttemptEnd End, string Outcome, TimeSpan Used) : INoSerializationVerificationNeeded;

    /// <summary>A job that runs.</summary>
    private sealed record Attempt(string TaskId, ulong Epoch, long Begun, CancellationTokenSource Cancellation);

    /// <summary>Does what is due, and sleeps until something is.</summary>
    private void Step()
    {
        if (state != WorkerState.Running) return;
        var due = core.Due(Now);
        if (due.Count > 0)
        {
            Record(due, Step);
            return;
        }

        if (core.Forget(Now - (long)KeepFinished.TotalMilliseconds) is { Count: > 0 } forgotten)
        {
            Record(forgotten, Step);
            return;
        }

        SaveIfLong();
        if (attempt is not null || hasAskedTurn) return;
        if (!core.IsReady(Now))
        {
            if (core.WakeAt() is { } wake) Sleep(TimeSpan.FromMilliseconds(Math.Max(0, wake - Now)));
            return;
        }

        if (budget.DelayAt(Now) is var delay && delay > TimeSpan.Zero)
        {
            Sleep(delay);
            return;
        }

        hasAskedTurn = true;
        settings.Turns.Tell(new AskTurn(Id, config.Priority), self);
    }

    private void Sleep(TimeSpan time) =>
        Timers.StartSingleTimer(nameof(StepDue), new StepDue(), time < ShortestSleep ? ShortestSleep : time > LongestSleep ? LongestSleep : time);

    private void OnTurn()
    {
        hasAskedTurn = false;
        if (state != WorkerState.Running || attempt is not null || core.Next(Now) is not { } next)
        {
            settings.Turns.Tell(new ReturnTurn(Id, TimeSpan.Zero), self);
            Step();
            return;
        }

        Record([next], () =>
        {
            if (next.Task.Phase == TaskPhase.Started)
            {
                Run(next.Task);
                return;
            }

            settings.Turns.Tell(new ReturnTurn(Id, TimeSpan.Zero), self);
            Publish();
            Step();
        });
    }

    /// <summary>Carries out what the journal says is started.</summary>
    private void Run(WorkerTask task)
    {
        var running = attempt = new Attempt(task.Id, core.Book.Epoch, settings.Clock.GetTimestamp(), new CancellationTokenSource(config.Timeout, settings.Clock));
        var order = new TaskAttempt(core.KeyOf(task), running.Epoch, task.Attempts, task.Kind, task.Argument);
        // A thread of its own for what does not wait but works.
        var job = worker;
        Task.Factory.StartNew(() => Attempted(job, running, order), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap().PipeTo(self);
    }

    private async Task<AttemptOver> Attempted(ServiceWorker job, Attempt running, TaskAttempt order)
    {
        try
        {
            var outcome = await job.Execute(order, running.Cancellation.Token).WaitAsync(running.Cancellation.Token);
            return Over(AttemptEnd.Succeeded, outcome);
        }
        catch (NothingDoneException e)
        {
            return Over(AttemptEnd.NothingDone, e.Message);
        }
        catch (OperationCanceledException) when (running.Cancellation.IsCancellationRequested)
        {
            return Over(AttemptEnd.Unknown, $"it took longer than {config.Timeout}, or the worker ended");
        }
        catch (Exception e)
        {
            return Over(AttemptEnd.Unknown, $"{e.GetType().Name}: {e.Message}");
        }

        AttemptOver Over(AttemptEnd end, string outcome) => new(running, end, outcome, settings.Clock.GetElapsedTime(running.Begun));
    }

    private void OnAttemptOver(AttemptOver over)
    {
        over.Attempt.Cancellation.Dispose();
        attempt = null;
        processing += over.Used;
        settings.Turns.Tell(new ReturnTurn(Id, over.Used), self);
        budget.Spend(over.Used, Now);
        var recorded = core.Finish(over.Attempt.TaskId, over.Attempt.Epoch, over.End, over.Outcome, Now, settings.Chance());
        Record(recorded is null ? [] : [recorded], () =>
        {
            if (recorded is { Task.Phase: TaskPhase.InDoubt }) log.Warning("task {0} of {1} is in doubt, an operator must decide: {2}", over.Attempt.TaskId, Id, over.Outcome);
            if (core.IsReady(Now)) throttled += budget.DelayAt(Now);
            Publish();
            if (state == WorkerState.Stopping) StopIfDrained();
            else Step();
        });
    }
}
