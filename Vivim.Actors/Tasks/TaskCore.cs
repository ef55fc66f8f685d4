using Vivim.Actors.Workers;

namespace Vivim.Actors.Tasks;

/// <summary>What bounds a worker's tasks.</summary>
/// <param name="MaxOpen">Tasks that are not over.</param>
/// <param name="MaxBytes">What they are counted with, <see cref="WorkerTask.Size"/>.</param>
/// <param name="Timeout">How long a lease lasts.</param>
public sealed record TaskLimits(int MaxOpen, long MaxBytes, TimeSpan Timeout, RetryPolicy Retry);

/// <summary>How an attempt ended.</summary>
public enum AttemptEnd
{
    /// <summary>The effect has taken place.</summary>
    Succeeded,

    /// <summary>It has not, for sure.</summary>
    NothingDone,

    /// <summary>It may have.</summary>
    Unknown,
}

/// <summary>Why a task was not taken, or not decided about.</summary>
public enum TaskRefusal
{
    None = 0,
    QueueFull = 1,
    UnknownKind = 2,
    Malformed = 3,
    IdTaken = 4,
    UnknownTask = 5,
    NotInDoubt = 6,
    WorkerAway = 7,
}

/// <summary>An operator's decision about a task.</summary>
public enum TaskDecision
{
    /// <summary>Its effect has taken place.</summary>
    Done = 1,

    /// <summary>It has not, or it does no harm twice.</summary>
    Again = 2,
}

/// <summary>What is to be journalled, or why nothing is.</summary>
public sealed record TaskVerdict(TaskRefusal Refusal, string Message, IReadOnlyList<ITaskEvent> Events)
{
    internal static TaskVerdict Refuse(TaskRefusal refusal, string message) => new(refusal, message, []);

    internal static TaskVerdict Take(params IReadOnlyList<ITaskEvent> events) => new(TaskRefusal.None, "", events);
}

/// <summary>
/// The protocol of durable tasks, <c>intended -> started (key, epoch) -> done | in doubt</c>: each method says which events are to be journalled.
/// Only once they are, and applied to <see cref="Book"/>, may what they say be done. Times are Unix milliseconds.
/// </summary>
/// <param name="worker">The worker's id: the first part of every key.</param>
/// <param name="kinds">The worker's jobs, and whether each is idempotent by its key.</param>
public sealed class TaskCore(string worker, TaskLimits limits, IReadOnlyDictionary<string, bool> kinds)
{
    private string owner = "";

    public TaskBook Book { get; } = new();

    /// <summary>The key by which an effect is recognised: the same in every attempt and every life.</summary>
    public string KeyOf(WorkerTask task) => $"{worker}/{task.Id}";

    /// <summary>A new life begins. What an earlier one has started is in doubt, unless it can be done again.</summary>
    /// <param name="node">Who carries out the tasks of this life.</param>
    public IReadOnlyList<ITaskEvent> Begin(string node, IReadOnlyList<Schedule> declared, long now)
    {
        owner = node;
        var events = new List<ITaskEvent> { new IncarnationBegun(node, Book.Epoch + 1, now) };
        events.AddRange(InOrder(task => task.Phase == TaskPhase.Started && !task.IsIdempotent).Select(task =>
            Doubt(task, $"its {Ordinal(task.Attempts)} attempt was under way on {task.Lease?.Owner} when the worker ended")));
        foreach (var schedule in declared)
        {
            var known = Book.Schedules.FirstOrDefault(state => state.Schedule.Name == schedule.Name);
            if (known is null || known.Schedule != schedule) events.Add(new ScheduleRecorded(schedule, known?.Schedule.When == schedule.When ? known.Last : now));
        }

        events.AddRange(Book.Schedules.Where(state => declared.All(schedule => schedule.Name != state.Schedule.Name)).Select(state => new ScheduleDropped(state.Schedule.Name)));
        return events;
    }

    /// <summary>A life ends in order; nothing may be started any more.</summary>
    public IReadOnlyList<ITaskEvent> End() => Book.EndedInOrder ? [] : [new IncarnationEnded(Book.Epoch)];

    /// <summary>Takes a task. The same again is taken without any event.</summary>
    public TaskVerdict Submit(string id, string kind, string argument, long dueAt, long now)
    {
        if (id.Length is 0 or > WorkerTask.MaxName) return TaskVerdict.Refuse(TaskRefusal.Malformed, $"an id has 1 to {WorkerTask.MaxName} letters");
        if (System.Text.Encoding.UTF8.GetByteCount(argument) > WorkerTask.MaxArgument) return TaskVerdict.Refuse(TaskRefusal.Malformed, $"an argument has at most {WorkerTask.MaxArgument} bytes");
        if (!kinds.TryGetValue(kind, out var isIdempotent)) return TaskVerdict.Refuse(TaskRefusal.UnknownKind, $"{worker} has no job '{kind}'; it has{(kinds.Count == 0 ? " none" : $": {string.Join(", ", kinds.Keys.Order(StringComparer.Ordinal))}")}");
        if (Book.Find(id) is { } known)
            return known.Kind == kind && known.Argument == argument ? TaskVerdict.Take() : TaskVerdict.Refuse(TaskRefusal.IdTaken, $"{worker} has another task {id}");
        var task = new WorkerTask { Id = id, Kind = kind, Argument = argument, IsIdempotent = isIdempotent, IntendedAt = now, DueAt = dueAt };
        return HasRoom(task)
            ? TaskVerdict.Take(new TaskRecorded(task))
            : TaskVerdict.Refuse(TaskRefusal.QueueFull, $"{worker} has {Book.Open.Count} open tasks of {Book.OpenBytes} bytes, and takes at most {limits.MaxOpen} of {limits.MaxBytes}: send again when some are over");
    }

    /// <summary>The runs of schedules that are due.</summary>
    public IReadOnlyList<ITaskEvent> Due(long now)
    {
        var events = new List<ITaskEvent>();
        foreach (var (schedule, last) in Book.Schedules)
        {
            if (!kinds.TryGetValue(schedule.Kind, out var isIdempotent) || HasOpenRun(schedule) || schedule.When.LatestBetween(last, now) is not { } run) continue;
            var task = new WorkerTask
            {
                Id = $"{schedule.Name}@{run}",
                Kind = schedule.Kind,
                Argument = schedule.Argument,
                IsIdempotent = isIdempotent,
                Schedule = schedule.Name,
                Occurrence = run,
                IntendedAt = now,
                DueAt = run,
            };
            if (schedule.Missed == MissedRuns.Skip && now - run > Schedule.Grace.TotalMilliseconds) events.Add(new ScheduleRecorded(schedule, run));
            else if (HasRoom(task)) events.Add(new TaskRecorded(task));
        }

        return events;
    }

    /// <summary>The next task to be started, if one is ready and none is under way.</summary>
    /// <returns>The task as it is to be journalled: started, or failed when too many lives have ended over it; null for none.</returns>
    public TaskRecorded? Next(long now)
    {
        if (!IsReady(now)) return null;
        var task = Book.Open.Where(t => IsReady(t, now)).OrderBy(t => t.DueAt).ThenBy(t => t.IntendedAt).ThenBy(t => t.Id, StringComparer.Ordinal).First();
        if (task.Attempts >= limits.Retry.Attempts)
            return new TaskRecorded(task with { Phase = TaskPhase.Failed, Lease = null, EndedAt = now, Outcome = $"given up: the worker ended during its {Ordinal(task.Attempts)} attempt" });
        return new TaskRecorded(task with { Phase = TaskPhase.Started, Attempts = task.Attempts + 1, Lease = new TaskLease(owner, Book.Epoch, now + (long)limits.Timeout.TotalMilliseconds) });
    }

    /// <summary>Whether <see cref="Next"/> has one.</summary>
    public bool IsReady(long now) => !Book.Open.Any(IsUnderWay) && Book.Open.Any(task => IsReady(task, now));

    /// <summary>An attempt has ended.</summary>
    /// <param name="chance">From 0 to 1, for the jitter of a pause.</param>
    /// <returns>Null when the attempt is not the current one.</returns>
    public TaskRecorded? Finish(string id, ulong epoch, AttemptEnd end, string outcome, long now, double chance)
    {
        if (Book.Find(id) is not { Phase: TaskPhase.Started, Lease: { } lease } task || lease.Epoch != epoch) return null;
        var ended = task with { Lease = null, Outcome = Short(outcome) };
        if (end == AttemptEnd.Succeeded) return new TaskRecorded(ended with { Phase = TaskPhase.Done, EndedAt = now });
        if (end == AttemptEnd.Unknown && !task.IsIdempotent) return Doubt(task, outcome);
        return task.Attempts < limits.Retry.Attempts
            ? new TaskRecorded(ended with { Phase = TaskPhase.Intended, DueAt = now + (long)limits.Retry.DelayAfter(task.Attempts, chance).TotalMilliseconds })
            : new TaskRecorded(ended with { Phase = TaskPhase.Failed, EndedAt = now });
    }

    /// <summary>An operator decides what became of a task in doubt, or that a failed one is to be tried again.</summary>
    public TaskVerdict Resolve(string id, TaskDecision decision, string by, long now) => (Book.Find(id), decision) switch
    {
        (null, _) => TaskVerdict.Refuse(TaskRefusal.UnknownTask, $"{worker} has no task {id}, or keeps it no longer"),
        ({ Phase: TaskPhase.InDoubt } task, TaskDecision.Done) => TaskVerdict.Take(new TaskRecorded(task with { Phase = TaskPhase.Done, EndedAt = now, Outcome = Short($"done, says {by}") })),
        ({ Phase: TaskPhase.InDoubt or TaskPhase.Failed } task, TaskDecision.Again) => TaskVerdict.Take(new TaskRecorded(task with { Phase = TaskPhase.Intended, Attempts = 0, DueAt = now, EndedAt = 0, Outcome = Short($"again, says {by}") })),
        ({ } task, _) => TaskVerdict.Refuse(TaskRefusal.NotInDoubt, $"task {id} of {worker} is {task.Phase}, there is nothing to decide"),
    };

    /// <summary>Forgets what was over before a time.</summary>
    public IReadOnlyList<ITaskEvent> Forget(long before) => Book.Over.Any(task => task.EndedAt < before) ? [new TasksForgotten(before)] : [];

    /// <summary>When there will be something to do; null for never. Times that have passed are those that something else is waited for.</summary>
    public long? WakeAt()
    {
        var schedules = Book.Schedules.Where(state => !HasOpenRun(state.Schedule)).Select(state => state.Schedule.When.NextAfter(state.Last));
        var tasks = Book.Open.Where(task => !IsUnderWay(task)).Select(task => task.Phase switch
        {
            TaskPhase.Intended => task.DueAt,
            TaskPhase.Started => ReadyAt(task.Lease!),
            _ => (long?)null,
        });
        return schedules.Concat(tasks).Min();
    }

    private static string Short(string text) => text.Length <= WorkerTask.MaxOutcome ? text : text[..WorkerTask.MaxOutcome];

    private static string Ordinal(int number) => number switch { 1 => "1st", 2 => "2nd", 3 => "3rd", _ => $"{number}th" };

    private static TaskRecorded Doubt(WorkerTask task, string why) => new(task with { Phase = TaskPhase.InDoubt, Lease = null, Outcome = Short(why) });

    private IEnumerable<WorkerTask> InOrder(Func<WorkerTask, bool> which) => Book.Open.Where(which).OrderBy(task => task.Id, StringComparer.Ordinal);

    private bool HasRoom(WorkerTask task) => Book.Open.Count < limits.MaxOpen && Book.OpenBytes + task.Size <= limits.MaxBytes;

    private bool HasOpenRun(Schedule schedule) => Book.Open.Any(task => task.Schedule == schedule.Name);

    private bool IsUnderWay(WorkerTask task) => task.Phase == TaskPhase.Started && task.Lease!.Epoch == Book.Epoch;

    private bool IsReady(WorkerTask task, long now) => task.Phase switch
    {
        TaskPhase.Intended => task.DueAt <= now,
        TaskPhase.Started => !IsUnderWay(task) && ReadyAt(task.Lease!) <= now,
        _ => false,
    };

    /// <summary>A node's former process is gone when the next one writes; another node may still be at work.</summary>
    private long ReadyAt(TaskLease lease) => lease.Owner == owner ? 0 : lease.Until;
}
