using Akka.Actor;
using Akka.Event;
using Vivim.Actors.Supervision;

namespace Vivim.Actors.Workers;

/// <content>The worker's life: starting after what it depends on, failing and coming back, stopping after what it has begun.</content>
public sealed partial class WorkerActor
{
    /// <summary>How long a worker that others need may take to say how it is.</summary>
    private static readonly TimeSpan DependencyLimit = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan DependencyPause = TimeSpan.FromMilliseconds(250);

    private sealed class BeginLife : INoSerializationVerificationNeeded
    {
        public static readonly BeginLife Instance = new();
    }

    private sealed record RetryDue : INoSerializationVerificationNeeded;

    private sealed record CheckDependenciesDue : INoSerializationVerificationNeeded;

    /// <param name="Missing">The first that does not run, and why; null when all do.</param>
    private sealed record DependenciesChecked(string? Missing) : INoSerializationVerificationNeeded;

    private sealed record Renewed : INoSerializationVerificationNeeded;

    private sealed record Launched : INoSerializationVerificationNeeded;

    /// <summary>What comes before a worker runs: renewing what lives beside it, initializing, starting.</summary>
    private sealed record LaunchUnderWay(CancellationTokenSource Cancellation);

    private sealed record LaunchFailed(Exception Cause) : INoSerializationVerificationNeeded;

    private sealed record WorkerBroken(ServiceWorker Worker, Exception Cause) : INoSerializationVerificationNeeded;

    private sealed record WorkerStopped : INoSerializationVerificationNeeded;

    private sealed record LeaveLimitReached : INoSerializationVerificationNeeded;

    private sealed record ProbeDue : INoSerializationVerificationNeeded;

    private sealed record Probed(ServiceWorker Worker, WorkerHealth Health) : INoSerializationVerificationNeeded;

    /// <summary>Follows a transition, if there is one.</summary>
    private bool Signal(WorkerSignal signal, string cause)
    {
        if (WorkerLifecycle.Next(state, signal) is not { } next) return false;
        MoveTo(next, cause);
        return true;
    }

    private void MoveTo(WorkerState next, string cause)
    {
        var change = new WorkerChange(state, next, Now, cause);
        (state, since, note) = (next, change.At, cause);
        changes.Enqueue(change);
        if (changes.Count > MaxChanges) changes.Dequeue();
        inbox?.Dispose();
        inbox = next == WorkerState.Running ? settings.Bus.Respond(Id, config.WorkerType, worker.Receive) : null;
        if (next == WorkerState.Failed) log.Warning("worker {0} has failed: {1}", Id, cause);
        else log.Info("worker {0} is {1}", Id, next);
        Context.System.EventStream.Publish(new WorkerStateChanged(Id, change));
        var failure = next == WorkerState.Failed ? new FailureCause(nameof(WorkerState.Failed), cause) : FailureCause.None;
        Context.System.EventStream.Publish(new SupervisionNotice(SupervisionKind.WorkerChanged, Self.Path.ToStringWithoutAddress(), failure, $"{change.From} -> {next}".ToLowerInvariant()));
        Publish();
    }

    private void Retry() => Timers.StartSingleTimer(nameof(RetryDue), new RetryDue(), config.RetryPolicy.DelayAfter(++failuresInRow, settings.Chance()));

    /// <summary>Another life begins: in the journal first.</summary>
    private void Launch()
    {
        health = new WorkerHealth(HealthStatus.Unknown, "not probed yet");
        Record(core.Begin(settings.Registry.Host, worker.Schedules, Now), CheckDependencies);
    }

    private void CheckDependencies()
    {
        if (state is not (WorkerState.Starting or WorkerState.Restarting)) return;
        FirstMissing(settings.Registry.DependenciesOf(config), settings.Region).PipeTo(self);
    }

    private static async Task<DependenciesChecked> FirstMissing(IReadOnlyList<string> needed, Func<IActorRef> region)
    {
        foreach (var id in needed)
        {
            try
            {
                var report = await region().Ask<WorkerReport>(new ReadWorker(id), DependencyLimit);
                if (report.State != WorkerState.Running) return new DependenciesChecked($"{id}, which is {report.State}");
            }
            catch (AskTimeoutException)
            {
                return new DependenciesChecked($"{id}, which does not answer");
            }
        }

        return new DependenciesChecked(null);
    }

    private void OnDependencies(DependenciesChecked found)
    {
        if (state is not (WorkerState.Starting or WorkerState.Restarting)) return;
        if (found.Missing is { } missing)
        {
            note = $"waits for {missing}";
            Publish();
            Timers.StartSingleTimer(nameof(CheckDependenciesDue), new CheckDependenciesDue(), DependencyPause);
            return;
        }

        note = "";
        var launched = worker;
        BeginLaunch(async time =>
        {
            await launched.Initialize(time);
            await launched.Start(time);
            return new Launched();
        });
    }

    private void BeginLaunch<T>(Func<CancellationToken, Task<T>> call)
    {
        launch = new LaunchUnderWay(new CancellationTokenSource());
        Within(call, launch.Cancellation.Token).PipeTo(self, failure: e => new LaunchFailed(e));
    }

    private void EndLaunch()
    {
        launch?.Cancellation.Dispose();
        launch = null;
    }

    private void OnLaunched()
    {
        EndLaunch();
        if (state == WorkerState.Stopping)
        {
            StopIfDrained();
            return;
        }

        var running = worker;
        if (!Signal(WorkerSignal.Ready, "")) return;
        running.Broken.PipeTo(self, success: cause => new WorkerBroken(running, cause));
        Timers.StartPeriodicTimer(nameof(ProbeDue), new ProbeDue(), TimeSpan.Zero, settings.HealthInterval);
        Step();
    }

    private void OnLaunchFailed(Exception cause)
    {
        var isOfLaunch = launch is not null;
        EndLaunch();
        // Its stop was under way already, and may have been why.
        if (isOfLaunch && state == WorkerState.Stopping) StopIfDrained();
        else Fail(FailureCause.Of(cause).Message);
    }

    private void OnBroken(WorkerBroken message)
    {
        if (ReferenceEquals(message.Worker, worker)) Fail(message.Cause.Message);
    }

    /// <summary>The worker cannot go on: what it was at is cancelled, and after a pause another instance begins another life.</summary>
    private void Fail(string cause)
    {
        var wasRunning = state == WorkerState.Running;
        if (!Signal(WorkerSignal.Fail, cause)) return;
        // A life that worked for a while is not held against it.
        if (wasRunning && core.Book.Done > doneAtFailure) failuresInRow = 0;
        doneAtFailure = core.Book.Done;
        Timers.Cancel(nameof(ProbeDue));
        attempt?.Cancellation.Cancel();
        LetGo();
        worker = settings.Registry.Create(config);
        if (isLeaving)
        {
            Signal(WorkerSignal.Stop, "");
            Context.Stop(Self);
            return;
        }

        Retry();
    }

    private void OnRestart(RestartWorker restart)
    {
        log.Info("{0} restarts worker {1}", restart.By, Id);
        if (Signal(WorkerSignal.Stop, $"restarted by {restart.By}"))
        {
            restartedBy = restart.By;
            AfterStopSignal();
        }

        Sender.Tell(Report());
    }

    private void OnCrash(CrashWorker crash)
    {
        Sender.Tell(Report());
        var crashed = worker;
        _ = Quietly(time => crashed.Crash(crash.By, time), "could not crash what it looks after");
        throw new CrashedOnPurposeException(crash.By);
    }

    private void OnRetire()
    {
        if (core.Book.Open.Count > 0) return;
        Sender.Tell(new WorkerRetired(Id));
        Passivate(EndMessage);
    }

    private void OnLeave()
    {
        isLeaving = true;
        if (state is WorkerState.Initialized or WorkerState.Stopped)
        {
            Context.Stop(Self);
            return;
        }

        Timers.StartSingleTimer(nameof(LeaveLimitReached), new LeaveLimitReached(), settings.LeaveLimit);
        // What it waits for may be going too.
        launch?.Cancellation.Cancel();
        if (Signal(WorkerSignal.Stop, "it moves, or its node stops")) AfterStopSignal();
    }

    private void AfterStopSignal()
    {
        Timers.Cancel(nameof(ProbeDue));
        Timers.Cancel(nameof(RetryDue));
        // From failed there is nothing to drain.
        if (state == WorkerState.Stopped) AfterStop();
        else StopIfDrained();
    }

    private void StopIfDrained()
    {
        if (launch is not null || attempt is not null) return;
        var stopped = worker;
        Within(async time =>
        {
            await stopped.Stop(time);
            return new WorkerStopped();
        }).PipeTo(self, failure: e => new LaunchFailed(e));
    }

    private void OnStopped()
    {
        if (state != WorkerState.Stopping) return;
        Record(core.End(), () =>
        {
            Signal(WorkerSignal.Drained, "");
            AfterStop();
        });
    }

    private void AfterStop()
    {
        worker = settings.Registry.Create(config);
        if (isLeaving) Context.Stop(Self);
        else if (restartedBy is { } by && Signal(WorkerSignal.Start, "")) Renew(by);
        restartedBy = null;
    }

    /// <summary>What lives beside the worker first, then itself.</summary>
    private void Renew(string by)
    {
        var renewed = worker;
        BeginLaunch(async time =>
        {
            await renewed.Renew(by, time);
            return new Renewed();
        });
    }

    private void OnRenewed()
    {
        EndLaunch();
        if (state == WorkerState.Stopping) StopIfDrained();
        else Launch();
    }

    /// <summary>What was begun takes too long: it is cancelled, and the next life finds it started.</summary>
    private void OnLeaveLimit()
    {
        log.Warning("worker {0} leaves before its task is over", Id);
        Context.Stop(Self);
    }

    private void Probe()
    {
        if (state != WorkerState.Running || isProbing) return;
        isProbing = true;
        var (probed, limit, clock) = (worker, settings.HealthInterval, settings.Clock);
        Task.Run(async () =>
        {
            using var time = new CancellationTokenSource(limit, clock);
            return new Probed(probed, await probed.CheckHealth(time.Token).WaitAsync(time.Token));
        }).PipeTo(self, failure: e => new Probed(probed, new WorkerHealth(HealthStatus.Unhealthy, FailureCause.Of(e).Message)));
    }

    private void OnProbed(Probed probed)
    {
        isProbing = false;
        if (!ReferenceEquals(probed.Worker, worker)) return;
        if (probed.Health.Status != health.Status && probed.Health.Status != HealthStatus.Healthy) log.Warning("worker {0} is {1}: {2}", Id, probed.Health.Status, probed.Health.Message);
        health = probed.Health;
        Publish();
    }

    /// <summary>Lets the instance go; nobody waits for it.</summary>
    private void LetGo()
    {
        var former = worker;
        _ = Quietly(former.Stop, "did not let go");
    }

    private async Task Quietly(Func<CancellationToken, Task> call, string failure)
    {
        try
        {
            await Within(async time =>
            {
                await call(time);
                return true;
            });
        }
        catch (Exception e)
        {
            log.Warning("worker {0} {1}: {2}", Id, failure, e.Message);
        }
    }

    /// <summary>A call of the worker: on no actor's thread, and as long as one may take.</summary>
    private Task<T> Within<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellation = default)
    {
        var (limit, clock) = (config.Timeout, settings.Clock);
        return Task.Run(async () =>
        {
            using var time = new CancellationTokenSource(limit, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellation);
            return await call(either.Token);
        }, CancellationToken.None);
    }
}
