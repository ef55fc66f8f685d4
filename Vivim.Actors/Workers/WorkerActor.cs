using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Vivim.Actors.Messaging;
using Vivim.Actors.Tasks;

namespace Vivim.Actors.Workers;

/// <summary>What a worker's actor needs of its node.</summary>
/// <param name="Turns">The node's <see cref="WorkerTurns"/>.</param>
/// <param name="Bus">The node's.</param>
/// <param name="Region">Reaches every worker of the cluster by messages.</param>
/// <param name="Chance">From 0 to 1, for jitter.</param>
public sealed record WorkerSettings(WorkerRegistry Registry, IActorRef Turns, WorkerBus Bus, Func<IActorRef> Region, TimeProvider Clock, Func<double> Chance)
{
    /// <summary>Tasks of one worker that are not over.</summary>
    public int MaxOpenTasks { get; init; } = 1_000;

    /// <summary>From one probe of a worker's health to the next, and how long one may take.</summary>
    public TimeSpan HealthInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a worker that moves may take to end what it has begun; shorter than the hand-over of shards and the phase of a stop in which it comes (10 s).</summary>
    public TimeSpan LeaveLimit { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>From one sample of a scalable type's load to the next.</summary>
    public TimeSpan ScaleInterval { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>
/// The shell of one worker: runs a <see cref="ServiceWorker"/> through the states of <see cref="WorkerLifecycle"/>, and its durable tasks by
/// <see cref="TaskCore"/>. It journals, then acts: a task is journalled as started before its job is called, and its end before anybody hears of it.
/// </summary>
public sealed partial class WorkerActor : JournaledActor, IWithTimers
{
    /// <summary>The journal of all workers' tasks.</summary>
    public const string JournalGroup = "tasks";

    /// <summary>So many events are journalled before all is saved as one.</summary>
    private const int SaveInterval = 256;

    private const int MaxChanges = 20;

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly WorkerSettings settings;
    private readonly WorkerConfig config;
    private readonly TaskCore core;
    private readonly CpuBudget budget;
    private readonly Queue<WorkerChange> changes = new();
    private readonly IActorRef self = Context.Self;
    private ServiceWorker worker;
    private IDisposable? inbox;
    private WorkerState state = WorkerState.Initialized;
    private long since;
    private string note = "";
    private WorkerHealth health = new(HealthStatus.Unknown, "not probed yet");
    private TimeSpan processing;
    private TimeSpan throttled;
    private int failuresInRow;
    private long eventsSinceSave;
    private LaunchUnderWay? launch;
    private bool isProbing;
    private string? restartedBy;
    private bool isLeaving;

    /// <exception cref="ArgumentException">There is no such worker.</exception>
    public WorkerActor(string id, WorkerSettings settings)
        : base($"tasks-{id}", JournalGroup)
    {
        this.settings = settings;
        config = settings.Registry.ConfigOf(id) ?? throw new ArgumentException($"there is no worker {id}", nameof(id));
        worker = settings.Registry.Create(config);
        core = new TaskCore(id, new TaskLimits(settings.MaxOpenTasks, config.MaxMemory, config.Timeout, config.RetryPolicy), worker.Jobs);
        budget = new CpuBudget(config.MaxCpu, Now);
        since = Now;
        Recover<ITaskEvent>(Apply);
        Recover<RecoveryCompleted>(_ => Self.Tell(BeginLife.Instance));
        ReceiveCommands();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override object EndMessage => new LeaveWorker();

    private long Now => settings.Clock.GetUtcNow().ToUnixTimeMilliseconds();

    private string Id => config.WorkerId;

    protected override void PostStop()
    {
        attempt?.Cancellation.Cancel();
        launch?.Cancellation.Cancel();
        inbox?.Dispose();
        // Whatever the journal says happens next happens to another instance; this one only lets go.
        LetGo();
        Context.System.EventStream.Publish(new WorkerGone(Id));
        base.PostStop();
    }

    private void ReceiveCommands()
    {
        Command<BeginLife>(_ => OnBeginLife());
        Command<WakeWorker>(_ => Step());
        Command<StepDue>(_ => Step());
        Command<RetryDue>(_ =>
        {
            if (Signal(WorkerSignal.Retry, "")) Launch();
        });
        Command<DependenciesChecked>(OnDependencies);
        Command<CheckDependenciesDue>(_ => CheckDependencies());
        Command<Renewed>(_ => OnRenewed());
        Command<Launched>(_ => OnLaunched());
        Command<LaunchFailed>(failed => OnLaunchFailed(failed.Cause));
        Command<WorkerBroken>(OnBroken);
        Command<WorkerStopped>(_ => OnStopped());
        Command<LeaveLimitReached>(_ => OnLeaveLimit());
        Command<ProbeDue>(_ => Probe());
        Command<Probed>(OnProbed);
        Command<TurnGranted>(_ => OnTurn());
        Command<AttemptOver>(OnAttemptOver);
        Command<SubmitTask>(OnSubmit);
        Command<ResolveTask>(OnResolve);
        Command<ListTasks>(OnList);
        Command<ReadWorker>(_ => Sender.Tell(Report()));
        Command<RestartWorker>(OnRestart);
        Command<CrashWorker>(OnCrash);
        Command<RetireWorker>(_ => OnRetire());
        Command<FindTask>(find => Sender.Tell(new TaskAnswer(TaskRefusal.None, "", core.Book.Find(find.Id))));
        Command<LeaveWorker>(_ => OnLeave());
    }

    private void OnBeginLife()
    {
        if (state != WorkerState.Initialized) return;
        if (core.Book.EndedInOrder)
        {
            if (Signal(WorkerSignal.Start, "")) Launch();
            return;
        }

        // Its former life has ended without saying so: the process was killed, the journal failed, or the node is gone.
        if (Signal(WorkerSignal.Fail, $"its life {core.Book.Epoch} ended without a stop")) Retry();
    }

    /// <summary>Journals events, applies each, and then goes on.</summary>
    private void Record(IReadOnlyList<ITaskEvent> events, Action then)
    {
        if (events.Count == 0)
        {
            then();
            return;
        }

        var left = events.Count;
        PersistAll(events, e =>
        {
            Apply(e);
            if (--left == 0) then();
        });
    }

    private void Apply(ITaskEvent e)
    {
        core.Book.Apply(e);
        eventsSinceSave = e is TaskBookSaved ? 0 : eventsSinceSave + 1;
    }

    /// <summary>Where the journal has grown long, replaces it by what it amounts to.</summary>
    private void SaveIfLong()
    {
        if (eventsSinceSave < SaveInterval) return;
        Persist(new TaskBookSaved(core.Book.State), saved =>
        {
            Apply(saved);
            DeleteMessages(LastSequenceNr - 1);
        });
    }

    private void OnSubmit(SubmitTask submit) => Answer(core.Submit(submit.Id, submit.Kind, submit.Argument, submit.DueAt, Now), submit.Id);

    private void OnResolve(ResolveTask resolve)
    {
        log.Info("{0} decides about task {1} of {2}: {3}", resolve.By, resolve.Id, Id, resolve.Decision);
        Answer(core.Resolve(resolve.Id, resolve.Decision, resolve.By, Now), resolve.Id);
    }

    private void Answer(TaskVerdict verdict, string id)
    {
        var replyTo = Sender;
        Record(verdict.Events, () =>
        {
            replyTo.Tell(new TaskAnswer(verdict.Refusal, verdict.Message, verdict.Refusal == TaskRefusal.None ? core.Book.Find(id) : null));
            if (verdict.Events.Count == 0) return;
            Publish();
            Step();
        });
    }

    private void OnList(ListTasks list)
    {
        var limit = Math.Clamp(list.Limit, 1, ListTasks.MaxLimit);
        var found = core.Book.Open.Concat(core.Book.Over).Where(task => (list.Phase is null || task.Phase == list.Phase) && StringComparer.Ordinal.Compare(task.Id, list.After) > 0)
            .OrderBy(task => task.Id, StringComparer.Ordinal).Take(limit + 1).ToList();
        Sender.Tell(new TaskList([.. found.Take(limit)], found.Count > limit));
    }

    private WorkerReport Report()
    {
        var open = core.Book.Open;
        var inDoubt = open.Count(task => task.Phase == TaskPhase.InDoubt);
        return new WorkerReport(
            config,
            settings.Registry.Host,
            state,
            since,
            note,
            core.Book.Epoch,
            health,
            new WorkerMetrics(core.Book.Done, core.Book.Failed, inDoubt, open.Count - inDoubt, processing + (attempt is null ? TimeSpan.Zero : settings.Clock.GetElapsedTime(attempt.Begun)), throttled, core.Book.Crashes),
            [.. core.Book.Schedules],
            [.. changes]);
    }

    private void Publish() => Context.System.EventStream.Publish(Report());
}
