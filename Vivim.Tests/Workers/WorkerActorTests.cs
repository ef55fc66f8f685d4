using Akka.Actor;
using Microsoft.Data.Sqlite;
using Vivim.Actors.Messaging;
using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Tests.Actors;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Workers;

/// <summary>The real actor of workers over a real journal, in which writes go wrong.</summary>
[Collection(Collection)]
public sealed class WorkerActorTests : ActorTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(10);

    private static readonly WorkerConfig Template = new()
    {
        WorkerId = "test-0",
        WorkerType = "test",
        RetryPolicy = new RetryPolicy(3, Short, Short, 0),
        Timeout = TimeSpan.FromSeconds(20),
    };

    private readonly Effects effects = new();
    private IActorRef region = ActorRefs.Nobody;
    private WorkerSettings settings = null!;

    /// <summary>What becomes of the journal's n-th write.</summary>
    public enum Accident
    {
        /// <summary>It fails, and nothing is stored: the end of what was written is lost.</summary>
        Lost,

        /// <summary>It is refused, and nothing is stored.</summary>
        Refused,

        /// <summary>It is reported as failed, but stored.</summary>
        StoredAndFailed,

        /// <summary>It is stored, and the worker dies.</summary>
        StoredAndDead,

        /// <summary>It is stored, and a second incarnation of the worker begins beside the first.</summary>
        StoredAndDoubled,
    }

    /// <summary>Every write of a task's way, and the next after it: all pairs of the first eight.</summary>
    public static TheoryData<Accident, bool> EveryAccident
    {
        get
        {
            var data = new TheoryData<Accident, bool>();
            foreach (var accident in Enum.GetValues<Accident>())
            {
                data.Add(accident, true);
                data.Add(accident, false);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(EveryAccident))]
    public async Task An_effect_takes_place_once_or_is_in_doubt_whatever_write_goes_wrong(Accident accident, bool isIdempotent)
    {
        Host(100);
        var worker = 0;
        for (var first = 0; first < 4; first++)
        {
            for (var second = first; second < first + 5; second++)
            {
                var id = $"test-{worker++}";
                Arrange(accident, id, first, second);
                var phase = await Carry(id, isIdempotent ? "store" : "charge");
                var key = $"{id}/task";
                var context = $"{accident} at writes {first} and {second}: {phase} after {effects.CountOf(key)} attempts";
                if (isIdempotent) Assert.True(phase == TaskPhase.Done && effects.CountOf(key) > 0, context);
                else Assert.True(phase == TaskPhase.Done ? effects.CountOf(key) == 1 : effects.CountOf(key) <= 1, context);
                JournalFaults.Reset();
            }
        }
    }

    [Theory]
    [InlineData("done", TaskPhase.Done, 1)]
    [InlineData("again", TaskPhase.Done, 2)]
    public async Task What_is_in_doubt_waits_for_the_operator_also_through_crashes(string decision, TaskPhase then, int attempts)
    {
        Host(1);
        var gate = new TaskCompletionSource<string>();
        effects.Job = (_, _) => gate.Task;
        await Submit("test-0", "charge");
        await Eventually.Async(() => Task.FromResult(effects.CountOf("test-0/task") == 1));
        region.Tell(new KillWorker("test-0"));
        Assert.Equal(TaskPhase.InDoubt, await Settled("test-0"));
        region.Tell(new KillWorker("test-0"));
        Assert.Equal(TaskPhase.InDoubt, await Settled("test-0"));
        Assert.Equal(1, effects.CountOf("test-0/task"));

        gate.SetResult("ok");
        await Running("test-0");
        var answer = await region.Ask<TaskAnswer>(new ResolveTask("test-0", "task", decision == "done" ? TaskDecision.Done : TaskDecision.Again, "op"), Patience);
        Assert.Equal(TaskRefusal.None, answer.Refusal);
        Assert.Equal(then, await Settled("test-0"));
        Assert.Equal(attempts, effects.CountOf("test-0/task"));
    }

    [Fact]
    public async Task A_task_is_answered_for_when_it_is_durable_and_begun_when_its_start_is()
    {
        Host(1);
        await Running("test-0");
        JournalFaults.Of("tasks").Next = () => JournalFault.Hold;
        var submitted = region.Ask<TaskAnswer>(new SubmitTask("test-0", "task", "store", "", 0), Patience);
        await Task.Delay(300);
        Assert.False(submitted.IsCompleted);
        var writes = 0;
        JournalFaults.Of("tasks").Next = () => writes++ == 0 ? JournalFault.Hold : JournalFault.None;
        FaultyJournal.Release(Sys, "tasks");
        Assert.Equal(TaskPhase.Intended, (await submitted).Task!.Phase);
        await Task.Delay(300);
        Assert.Empty(effects.Attempts);
        FaultyJournal.Release(Sys, "tasks");
        Assert.Equal(TaskPhase.Done, await Settled("test-0"));
    }

    [Fact]
    public async Task A_stop_lets_what_is_begun_end_and_a_start_follows()
    {
        Host(1);
        var gate = new TaskCompletionSource<string>();
        effects.Job = (_, _) => gate.Task;
        await Submit("test-0", "charge");
        await Eventually.Async(() => Task.FromResult(effects.Attempts.Count == 1));
        Assert.Equal(WorkerState.Stopping, (await region.Ask<WorkerReport>(new RestartWorker("test-0", "op"), Patience)).State);
        await region.Ask<TaskAnswer>(new SubmitTask("test-0", "next", "store", "", 0), Patience);
        await Task.Delay(200);
        Assert.Equal((WorkerState.Stopping, 0, 1), ((await Report("test-0")).State, effects.Stops, effects.Attempts.Count));

        gate.SetResult("ok");
        await Eventually.Async(async () => (await Report("test-0")).Metrics.Done == 2);
        var report = await Report("test-0");
        Assert.Equal(
            [WorkerState.Starting, WorkerState.Running, WorkerState.Stopping, WorkerState.Stopped, WorkerState.Starting, WorkerState.Running],
            report.Changes.Select(change => change.To));
        Assert.Equal((2UL, 0UL, 1), (report.Epoch, report.Metrics.Restarts, effects.Stops));
    }

    [Fact]
    public async Task A_crash_shows_failed_restarting_running_on_the_event_stream()
    {
        Host(1);
        await Running("test-0");
        Sys.EventStream.Subscribe(TestActor, typeof(WorkerStateChanged));
        region.Tell(new KillWorker("test-0"));
        await Eventually.Async(async () => (await Report("test-0")).Epoch == 2);
        foreach (var state in (WorkerState[])[WorkerState.Failed, WorkerState.Restarting, WorkerState.Running]) Assert.Equal(state, (await ExpectMsgAsync<WorkerStateChanged>(Patience)).Change.To);
        Assert.Equal(1UL, (await Report("test-0")).Metrics.Restarts);

        effects.Last!.BreakNow("its connection is gone");
        foreach (var state in (WorkerState[])[WorkerState.Failed, WorkerState.Restarting, WorkerState.Running])
        {
            var change = (await ExpectMsgAsync<WorkerStateChanged>(Patience)).Change;
            Assert.Equal(state, change.To);
            if (state == WorkerState.Failed) Assert.Equal("its connection is gone", change.Cause);
        }

        Assert.Equal(2UL, (await Report("test-0")).Metrics.Restarts);
    }

    [Fact]
    public async Task A_worker_that_cannot_start_is_tried_again_and_says_why()
    {
        Host(1);
        var tries = 0;
        effects.Launching = () => ++tries < 3 ? throw new IOException("the disk is gone") : Task.CompletedTask;
        await Running("test-0");
        var changes = (await Report("test-0")).Changes;
        Assert.Equal(["the disk is gone", "the disk is gone"], changes.Where(change => change.To == WorkerState.Failed).Select(change => change.Cause));
        Assert.Equal(3, tries);
    }

    [Fact]
    public async Task A_worker_waits_for_what_it_depends_on_and_names_it()
    {
        var opened = new TaskCompletionSource();
        var needed = new Effects { Launching = () => opened.Task };
        Host(
            new WorkerType(Template, 1, _ => new ScriptedWorker(effects)),
            new WorkerType(Template with { WorkerType = "late", WorkerId = "late-0", Dependencies = ["test"] }, 1, _ => new ScriptedWorker(new Effects())),
            new WorkerType(Template with { WorkerType = "slow", WorkerId = "slow-0" }, 1, _ => new ScriptedWorker(needed)),
            new WorkerType(Template with { WorkerType = "last", WorkerId = "last-0", Dependencies = ["test", "slow"] }, 1, _ => new ScriptedWorker(new Effects())));
        await Running("late-0");
        region.Tell(new WakeWorker("last-0"));
        await Eventually.Async(async () => (await Report("last-0")) is { State: WorkerState.Starting, Note: "waits for slow-0, which is Starting" });
        opened.SetResult();
        await Running("last-0");
    }

    [Fact]
    public async Task A_job_that_takes_too_long_or_throws_is_in_doubt_or_tried_again_and_given_up()
    {
        Host(new WorkerType(Template with { Timeout = TimeSpan.FromMilliseconds(100) }, 4, _ => new ScriptedWorker(effects)));
        effects.Job = (_, _) => new TaskCompletionSource<string>().Task;
        Assert.Equal((TaskPhase.InDoubt, 1), (await Carry("test-0", "charge"), effects.CountOf("test-0/task")));
        Assert.Equal((TaskPhase.Failed, 3), (await Carry("test-1", "store"), effects.CountOf("test-1/task")));
        effects.Job = (_, _) => throw new IOException("broken pipe");
        Assert.Equal((TaskPhase.InDoubt, 1), (await Carry("test-2", "charge"), effects.CountOf("test-2/task")));
        effects.Job = (attempt, _) => attempt.Number < 3 ? throw new NothingDoneException("not yet") : Task.FromResult("ok");
        Assert.Equal((TaskPhase.Done, 3), (await Carry("test-3", "charge"), effects.CountOf("test-3/task")));
        var metrics = (await Report("test-1")).Metrics;
        Assert.Equal((0UL, 1UL), (metrics.Done, metrics.Failed));
    }

    [Fact]
    public async Task A_worker_keeps_to_its_share_of_the_processor()
    {
        Host(new WorkerType(Template with { MaxCpu = 1 }, 1, _ => new ScriptedWorker(effects)));
        var starts = new List<DateTimeOffset>();
        effects.Job = async (_, _) =>
        {
            starts.Add(DateTimeOffset.UtcNow);
            await Task.Delay(130, CancellationToken.None);
            return "ok";
        };
        await Submit("test-0", "store");
        await Submit("test-0", "store", "second");
        await Eventually.Async(async () => (await Report("test-0")).Metrics.Done == 2);
        // The first overdrew the 100 ms of a window by 30 ms, which takes 3 s to fill at 1 percent.
        Assert.True(starts[1] - starts[0] > TimeSpan.FromSeconds(2.5), $"{starts[1] - starts[0]}");
        Assert.True((await Report("test-0")).Metrics.Throttled > TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task A_queue_that_is_full_refuses_and_says_so()
    {
        Host(1, maxOpen: 2);
        effects.Job = (_, _) => new TaskCompletionSource<string>().Task;
        await Submit("test-0", "store", "a");
        await Submit("test-0", "store", "b");
        Assert.Equal(TaskRefusal.QueueFull, (await region.Ask<TaskAnswer>(new SubmitTask("test-0", "c", "store", "", 0), Patience)).Refusal);
        Assert.Equal(2, (await Report("test-0")).Metrics.Waiting);
    }

    [Fact]
    public async Task A_long_journal_is_replaced_by_what_it_amounts_to()
    {
        Host(1);
        for (var i = 0; i < 150; i++) await Submit("test-0", "store", $"t{i:000}");
        await Eventually.Async(async () => (await Report("test-0")).Metrics.Done == 150);
        await Eventually.Async(() => Task.FromResult(Rows("tasks-test-0") < 300));
        region.Tell(new KillWorker("test-0"));
        await Eventually.Async(async () => (await Report("test-0")).Epoch == 2);
        Assert.Equal(150UL, (await Report("test-0")).Metrics.Done);
        var list = await region.Ask<TaskList>(new ListTasks("test-0", TaskPhase.Done, "t099", 20), Patience);
        Assert.Equal(("t100", 20, true), (list.Tasks[0].Id, list.Tasks.Count, list.More));
    }

    [Fact]
    public async Task A_dependency_that_breaks_shows_in_the_health()
    {
        Host(1);
        await Eventually.Async(async () => (await Report("test-0")).Health.Status == HealthStatus.Healthy);
        effects.Health = () => throw new IOException("the disk is gone");
        await Eventually.Async(async () => (await Report("test-0")).Health is { Status: HealthStatus.Unhealthy, Message: "the disk is gone" });
        effects.Health = () => new WorkerHealth(HealthStatus.Healthy, "back");
        await Eventually.Async(async () => (await Report("test-0")).Health.Status == HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_worker_that_moves_ends_what_it_has_begun_and_its_next_life_is_no_restart()
    {
        Host(1);
        var gate = new TaskCompletionSource<string>();
        effects.Job = (_, _) => gate.Task;
        await Submit("test-0", "charge");
        await Eventually.Async(() => Task.FromResult(effects.Attempts.Count == 1));
        var actor = await Sys.ActorSelection(region.Path / "test-0").ResolveOne(Patience);
        await WatchAsync(actor);
        actor.Tell(new LeaveWorker());
        await Task.Delay(200);
        gate.SetResult("ok");
        await ExpectTerminatedAsync(actor, Patience);
        await Running("test-0");
        var report = await Report("test-0");
        Assert.Equal((2UL, 0UL, 1UL), (report.Epoch, report.Metrics.Restarts, report.Metrics.Done));
    }

    [Fact]
    public async Task A_worker_that_moves_while_it_starts_does_not_wait_for_what_may_never_come()
    {
        effects.Launching = () => new TaskCompletionSource().Task.WaitAsync(effects.Launch);
        Host(1);
        await Eventually.Async(async () => await Report("test-0") is { State: WorkerState.Starting, Epoch: 1 } && effects.Launch.CanBeCanceled);
        var actor = await Sys.ActorSelection(region.Path / "test-0").ResolveOne(Patience);
        await WatchAsync(actor);
        actor.Tell(new LeaveWorker());
        // Sooner than it would give up by itself.
        await ExpectTerminatedAsync(actor, settings.LeaveLimit / 2);
        effects.Launching = static () => Task.CompletedTask;
        await Running("test-0");
        Assert.Equal((2UL, 0UL), ((await Report("test-0")).Epoch, (await Report("test-0")).Metrics.Restarts));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_lives_beside_a_worker_is_renewed_once_by_a_restart_that_is_asked_for_and_by_no_other(bool fails)
    {
        Host(1);
        await Running("test-0");
        effects.Last!.BreakNow("its connection is gone");
        await Eventually.Async(async () => await Report("test-0") is { State: WorkerState.Running, Epoch: 2 });
        Assert.Empty(effects.Renewals);

        effects.Renewing = () => fails ? throw new TimeoutException("it does not begin anew") : Task.CompletedTask;
        await region.Ask<WorkerReport>(new RestartWorker("test-0", "op"), Patience);
        await Eventually.Async(async () => await Report("test-0") is { State: WorkerState.Running, Epoch: 3 });
        Assert.Equal(["op"], effects.Renewals);
        var causes = (await Report("test-0")).Changes.Where(change => change.To == WorkerState.Failed).Select(change => change.Cause);
        Assert.Equal(fails ? ["its connection is gone", "it does not begin anew"] : ["its connection is gone"], causes);
    }

    private void Host(int partitions, int maxOpen = 1_000) => Host(maxOpen, new WorkerType(Template, partitions, _ => new ScriptedWorker(effects)));

    private void Host(params IReadOnlyList<WorkerType> types) => Host(1_000, types);

    private void Host(int maxOpen, params IReadOnlyList<WorkerType> types)
    {
        var turns = Sys.ActorOf(Props.Create(() => new WorkerTurns(4)));
        settings = new WorkerSettings(new WorkerRegistry("here", types), turns, new WorkerBus(Sys, TimeProvider.System), () => region, TimeProvider.System, static () => 0) { MaxOpenTasks = maxOpen, HealthInterval = TimeSpan.FromMilliseconds(200) };
        region = Sys.ActorOf(Props.Create(() => new WorkerRegion(id => Props.Create(() => new WorkerActor(id, settings)))));
    }

    private void Arrange(Accident accident, string id, int first, int second)
    {
        var (asked, stored) = (0, 0);
        JournalFaults.Of("tasks").Next = () => Interlocked.Increment(ref asked) - 1 is var write && (write == first || write == second)
            ? accident switch { Accident.Lost => JournalFault.Fail, Accident.Refused => JournalFault.Reject, Accident.StoredAndFailed => JournalFault.StoreAndFail, _ => JournalFault.None }
            : JournalFault.None;
        JournalFaults.Of("tasks").Stored = _ =>
        {
            var write = Interlocked.Increment(ref stored) - 1;
            if (write != first && write != second) return;
            if (accident == Accident.StoredAndDead) region.Tell(new KillWorker(id));
            if (accident == Accident.StoredAndDoubled) Sys.ActorOf(Props.Create(() => new WorkerActor(id, settings)));
        };
    }

    /// <summary>Submits a task as a client does that does not give up, and waits until nothing more happens with it.</summary>
    private async Task<TaskPhase> Carry(string id, string kind)
    {
        await Submit(id, kind);
        return await Settled(id);
    }

    private Task Submit(string id, string kind, string task = "task") => Asked<TaskAnswer>(new SubmitTask(id, task, kind, "", 0));

    private async Task<TaskPhase> Settled(string id)
    {
        while (true)
        {
            var task = (await Asked<TaskList>(new ListTasks(id, null, "", 10))).Tasks.Single(t => t.Id == "task");
            if (task.IsOver || task.Phase == TaskPhase.InDoubt) return task.Phase;
            await Task.Delay(Short);
        }
    }

    /// <summary>Asks until there is an answer: a worker that has just died has none.</summary>
    private async Task<T> Asked<T>(IWorkerMessage message)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return await region.Ask<T>(message, TimeSpan.FromMilliseconds(tries < 3 ? 200 : 2_000));
            }
            catch (AskTimeoutException) when (tries < 20)
            {
                await Task.Delay(Short);
            }
        }
    }

    private Task<WorkerReport> Report(string id) => Asked<WorkerReport>(new ReadWorker(id));

    private Task Running(string id) => Eventually.Async(async () => (await Report(id)).State == WorkerState.Running);

    private long Rows(string persistenceId)
    {
        using var connection = new SqliteConnection($"Data Source={FileOf("journal-tasks")};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM journal WHERE persistence_id = $0";
        command.Parameters.AddWithValue("$0", persistenceId);
        return (long)command.ExecuteScalar()!;
    }
}
