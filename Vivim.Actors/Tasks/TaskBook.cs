namespace Vivim.Actors.Tasks;

/// <summary>A worker's tasks and schedules as its journal has them: the sum of its events, in which only the transitions of the protocol exist.</summary>
public sealed class TaskBook
{
    /// <summary>Tasks kept after they are over, the newest.</summary>
    public const int History = 200;

    private readonly Dictionary<string, WorkerTask> open = new(StringComparer.Ordinal);
    private readonly LinkedList<WorkerTask> over = [];
    private readonly SortedDictionary<string, ScheduleState> schedules = new(StringComparer.Ordinal);

    /// <summary>The transitions of a task; null is before it was intended.</summary>
    public static IReadOnlySet<(TaskPhase? From, TaskPhase To)> Transitions { get; } = new HashSet<(TaskPhase?, TaskPhase)>
    {
        (null, TaskPhase.Intended),
        (TaskPhase.Intended, TaskPhase.Started),
        // Of an earlier life, done again under the same key.
        (TaskPhase.Started, TaskPhase.Started),
        (TaskPhase.Started, TaskPhase.Done),
        (TaskPhase.Started, TaskPhase.InDoubt),
        (TaskPhase.Started, TaskPhase.Intended),
        (TaskPhase.Started, TaskPhase.Failed),
        (TaskPhase.InDoubt, TaskPhase.Done),
        (TaskPhase.InDoubt, TaskPhase.Intended),
        (TaskPhase.Failed, TaskPhase.Intended),
    };

    /// <summary>Counts the lives of the worker.</summary>
    public ulong Epoch { get; private set; }

    /// <summary>Whether the last life ended as it should; true before the first.</summary>
    public bool EndedInOrder { get; private set; } = true;

    /// <summary>Lives that did not.</summary>
    public ulong Crashes { get; private set; }

    /// <summary>Tasks done since the beginning.</summary>
    public ulong Done { get; private set; }

    /// <summary>Tasks given up since the beginning.</summary>
    public ulong Failed { get; private set; }

    /// <summary>Bytes that the open tasks are counted with.</summary>
    public long OpenBytes { get; private set; }

    public IReadOnlyCollection<WorkerTask> Open => open.Values;

    /// <summary>Oldest first.</summary>
    public IReadOnlyCollection<WorkerTask> Over => over;

    public IReadOnlyCollection<ScheduleState> Schedules => schedules.Values;

    public TaskBookState State => new(Epoch, EndedInOrder, Crashes, Done, Failed, [.. open.Values.OrderBy(task => task.Id, StringComparer.Ordinal)], [.. over], [.. schedules.Values]);

    /// <summary>The task of this id that is open or kept; null where there is none.</summary>
    public WorkerTask? Find(string id) => open.TryGetValue(id, out var task) ? task : over.FirstOrDefault(t => t.Id == id);

    /// <exception cref="InvalidOperationException">The event cannot follow what was before.</exception>
    public void Apply(ITaskEvent e)
    {
        switch (e)
        {
            case IncarnationBegun begun:
                if (!EndedInOrder) Crashes++;
                (Epoch, EndedInOrder) = (begun.Epoch, false);
                break;
            case IncarnationEnded:
                EndedInOrder = true;
                break;
            case TaskRecorded recorded:
                Apply(recorded.Task);
                break;
            case ScheduleRecorded recorded:
                schedules[recorded.Schedule.Name] = new ScheduleState(recorded.Schedule, recorded.Last);
                break;
            case ScheduleDropped dropped:
                schedules.Remove(dropped.Name);
                break;
            case TasksForgotten forgotten:
                while (over.First is { } oldest && oldest.Value.EndedAt < forgotten.Before) over.RemoveFirst();
                break;
            case TaskBookSaved saved:
                Load(saved.State);
                break;
            default:
                throw new InvalidOperationException($"{e.GetType().Name} is no event of tasks");
        }
    }

    private void Apply(WorkerTask task)
    {
        var before = Find(task.Id);
        if (!Transitions.Contains((before?.Phase, task.Phase))) throw new InvalidOperationException($"task {task.Id} cannot become {task.Phase} when it is {before?.Phase.ToString() ?? "new"}");
        if (open.Remove(task.Id)) OpenBytes -= before!.Size;
        else if (before is not null) over.Remove(before);
        if (task.Schedule.Length > 0 && schedules.TryGetValue(task.Schedule, out var schedule) && task.Occurrence > schedule.Last) schedules[task.Schedule] = schedule with { Last = task.Occurrence };
        if (!task.IsOver)
        {
            open.Add(task.Id, task);
            OpenBytes += task.Size;
            return;
        }

        if (task.Phase == TaskPhase.Done) Done++;
        else Failed++;
        over.AddLast(task);
        if (over.Count > History) over.RemoveFirst();
    }

    private void Load(TaskBookState state)
    {
        open.Clear();
        over.Clear();
        schedules.Clear();
        (Epoch, EndedInOrder, Crashes, Done, Failed) = (state.Epoch, state.EndedInOrder, state.Crashes, state.Done, state.Failed);
        foreach (var task in state.Open) open.Add(task.Id, task);
        foreach (var task in state.Over) over.AddLast(task);
        foreach (var schedule in state.Schedules) schedules.Add(schedule.Schedule.Name, schedule);
        OpenBytes = state.Open.Sum(task => task.Size);
    }
}
