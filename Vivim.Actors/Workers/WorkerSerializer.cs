using Akka.Actor;
using Google.Protobuf;
using Vivim.Actors.Serialization;
using Vivim.Actors.Tasks;

namespace Vivim.Actors.Workers;

/// <summary>The forms of every message of workers that leaves a node or enters a journal. A manifest is for ever: a changed message gets a new one.</summary>
public sealed class WorkerSerializer(ExtendedActorSystem system) : ManifestSerializer(system, SerializerId, Forms)
{
    private const int SerializerId = 7402;

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<MessageForm> Forms =
    [
        Form<IncarnationBegun, V1.IncarnationBegun>("worker-begun/1", V1.IncarnationBegun.Parser, m => new V1.IncarnationBegun { Owner = m.Owner, Epoch = m.Epoch, At = m.At }, m => new IncarnationBegun(m.Owner, m.Epoch, m.At)),
        Form<IncarnationEnded, V1.IncarnationEnded>("worker-ended/1", V1.IncarnationEnded.Parser, m => new V1.IncarnationEnded { Epoch = m.Epoch }, m => new IncarnationEnded(m.Epoch)),
        Form<TaskRecorded, V1.Task>("task/1", V1.Task.Parser, m => Write(m.Task), m => new TaskRecorded(Read(m))),
        Form<ScheduleRecorded, V1.Schedule>("schedule/1", V1.Schedule.Parser, m => Write(new ScheduleState(m.Schedule, m.Last)), m => new ScheduleRecorded(Read(m).Schedule, m.Last)),
        Form<ScheduleDropped, V1.ScheduleDropped>("schedule-dropped/1", V1.ScheduleDropped.Parser, m => new V1.ScheduleDropped { Name = m.Name }, m => new ScheduleDropped(m.Name)),
        Form<TasksForgotten, V1.TasksForgotten>("tasks-forgotten/1", V1.TasksForgotten.Parser, m => new V1.TasksForgotten { Before = m.Before }, m => new TasksForgotten(m.Before)),
        Form<TaskBookSaved, V1.TaskBook>("task-book/1", V1.TaskBook.Parser, m => Write(m.State), m => new TaskBookSaved(Read(m))),
        Form<WakeWorker, V1.Worker>("wake-worker/1", V1.Worker.Parser, m => new V1.Worker { Worker_ = m.Worker }, m => new WakeWorker(m.Worker_)),
        Form<SubmitTask, V1.SubmitTask>("submit-task/1", V1.SubmitTask.Parser, m => new V1.SubmitTask { Worker = m.Worker, Id = m.Id, Kind = m.Kind, Argument = m.Argument, DueAt = m.DueAt }, m => new SubmitTask(m.Worker, m.Id, m.Kind, m.Argument, m.DueAt)),
        Form<TaskAnswer, V1.TaskAnswer>("task-answer/1", V1.TaskAnswer.Parser, m => new V1.TaskAnswer { Refusal = (int)m.Refusal, Message = m.Message, Task = m.Task is null ? null : Write(m.Task) }, m => new TaskAnswer((TaskRefusal)m.Refusal, m.Message, m.Task is null ? null : Read(m.Task))),
        Form<ReadWorker, V1.Worker>("read-worker/1", V1.Worker.Parser, m => new V1.Worker { Worker_ = m.Worker }, m => new ReadWorker(m.Worker_)),
        Form<WorkerReport, V1.WorkerReport>("worker-report/1", V1.WorkerReport.Parser, Write, Read),
        Form<RestartWorker, V1.RestartWorker>("restart-worker/1", V1.RestartWorker.Parser, m => new V1.RestartWorker { Worker = m.Worker, By = m.By }, m => new RestartWorker(m.Worker, m.By)),
        Form<CrashWorker, V1.CrashWorker>("crash-worker/1", V1.CrashWorker.Parser, m => new V1.CrashWorker { Worker = m.Worker, By = m.By }, m => new CrashWorker(m.Worker, m.By)),
        Form<ListTasks, V1.ListTasks>("list-tasks/1", V1.ListTasks.Parser, m => new V1.ListTasks { Worker = m.Worker, Phase = m.Phase is { } phase ? (int)phase : 0, After = m.After, Limit = m.Limit }, m => new ListTasks(m.Worker, m.Phase == 0 ? null : (TaskPhase)m.Phase, m.After, m.Limit)),
        Form<TaskList, V1.TaskList>("tasks/1", V1.TaskList.Parser, m => new V1.TaskList { Tasks = { m.Tasks.Select(Write) }, More = m.More }, m => new TaskList([.. m.Tasks.Select(Read)], m.More)),
        Form<ResolveTask, V1.ResolveTask>("resolve-task/1", V1.ResolveTask.Parser, m => new V1.ResolveTask { Worker = m.Worker, Id = m.Id, Decision = (int)m.Decision, By = m.By }, m => new ResolveTask(m.Worker, m.Id, (TaskDecision)m.Decision, m.By)),
        Form<RetireWorker, V1.Worker>("retire-worker/1", V1.Worker.Parser, m => new V1.Worker { Worker_ = m.Worker }, m => new RetireWorker(m.Worker_)),
        Form<WorkerRetired, V1.Worker>("worker-retired/1", V1.Worker.Parser, m => new V1.Worker { Worker_ = m.Worker }, m => new WorkerRetired(m.Worker_)),
        Form<FindTask, V1.FindTask>("find-task/1", V1.FindTask.Parser, m => new V1.FindTask { Worker = m.Worker, Id = m.Id }, m => new FindTask(m.Worker, m.Id)),
        Form<ReadScale, V1.Worker>("read-scale/1", V1.Worker.Parser, m => new V1.Worker { Worker_ = m.Worker }, m => new ReadScale(m.Worker_)),
        Form<SetScale, V1.SetScale>("set-scale/1", V1.SetScale.Parser, m => new V1.SetScale { Worker = m.Worker, Count = m.Count, By = m.By }, m => new SetScale(m.Worker, m.Count, m.By)),
        Form<ScaleRecorded, V1.Scale>("scale/1", V1.Scale.Parser, Write, Read),
        Form<ScaleReport, V1.ScaleReport>("scale-report/1", V1.ScaleReport.Parser, m => new V1.ScaleReport { State = Write(m.State), Least = m.Least, Most = m.Most, Load = m.Load, Refusal = m.Refusal }, m => new ScaleReport(Read(m.State), m.Least, m.Most, m.Load, m.Refusal)),
    ];

    private static MessageForm Form<T, TProto>(string manifest, MessageParser<TProto> parser, Func<T, TProto> write, Func<TProto, T> read)
        where T : notnull
        where TProto : IMessage<TProto> =>
        MessageForm.Of<T>(manifest, message => write(message).ToByteArray(), bytes => read(parser.ParseFrom(bytes)));

    private static V1.Task Write(WorkerTask task) => new()
    {
        Id = task.Id,
        Kind = task.Kind,
        Argument = task.Argument,
        IsIdempotent = task.IsIdempotent,
        Schedule = task.Schedule,
        Occurrence = task.Occurrence,
        IntendedAt = task.IntendedAt,
        DueAt = task.DueAt,
        Attempts = task.Attempts,
        Phase = (int)task.Phase,
        Outcome = task.Outcome,
        EndedAt = task.EndedAt,
        Lease = task.Lease is { } lease ? new V1.Lease { Owner = lease.Owner, Epoch = lease.Epoch, Until = lease.Until } : null,
    };

    private static WorkerTask Read(V1.Task task) => new()
    {
        Id = task.Id,
        Kind = task.Kind,
        Argument = task.Argument,
        IsIdempotent = task.IsIdempotent,
        Schedule = task.Schedule,
        Occurrence = task.Occurrence,
        IntendedAt = task.IntendedAt,
        DueAt = task.DueAt,
        Attempts = task.Attempts,
        Phase = (TaskPhase)task.Phase,
        Outcome = task.Outcome,
        EndedAt = task.EndedAt,
        Lease = task.Lease is { } lease ? new TaskLease(lease.Owner, lease.Epoch, lease.Until) : null,
    };

    private static V1.Schedule Write(ScheduleState state) => new()
    {
        Name = state.Schedule.Name,
        Kind = state.Schedule.Kind,
        Argument = state.Schedule.Argument,
        When = state.Schedule.When.Text,
        Missed = (int)state.Schedule.Missed,
        Last = state.Last,
    };

    private static ScheduleState Read(V1.Schedule schedule) =>
        new(new Schedule(schedule.Name, schedule.Kind, schedule.Argument, ScheduleTimes.Parse(schedule.When), (MissedRuns)schedule.Missed), schedule.Last);

    private static V1.TaskBook Write(TaskBookState state) => new()
    {
        Epoch = state.Epoch,
        EndedInOrder = state.EndedInOrder,
        Crashes = state.Crashes,
        Done = state.Done,
        Failed = state.Failed,
        Open = { state.Open.Select(Write) },
        Over = { state.Over.Select(Write) },
        Schedules = { state.Schedules.Select(Write) },
    };

    private static TaskBookState Read(V1.TaskBook book) =>
        new(book.Epoch, book.EndedInOrder, book.Crashes, book.Done, book.Failed, [.. book.Open.Select(Read)], [.. book.Over.Select(Read)], [.. book.Schedules.Select(Read)]);

    private static V1.WorkerReport Write(WorkerReport report) => new()
    {
        Worker = report.Config.WorkerId,
        Type = report.Config.WorkerType,
        Node = report.Node,
        State = (int)report.State,
        Since = report.Since,
        Note = report.Note,
        Epoch = report.Epoch,
        Health = (int)report.Health.Status,
        HealthMessage = report.Health.Message,
        Metrics = new V1.Metrics
        {
            Done = report.Metrics.Done,
            Failed = report.Metrics.Failed,
            InDoubt = report.Metrics.InDoubt,
            Waiting = report.Metrics.Waiting,
            Processing = report.Metrics.Processing.Ticks,
            Throttled = report.Metrics.Throttled.Ticks,
            Restarts = report.Metrics.Restarts,
        },
        Config = Write(report.Config),
        Schedules = { report.Schedules.Select(Write) },
        Changes = { report.Changes.Select(change => new V1.Change { From = (int)change.From, To = (int)change.To, At = change.At, Cause = change.Cause }) },
    };

    private static V1.Scale Write(ScaleRecorded scale) =>
        new() { Count = scale.Count, IsPinned = scale.IsPinned, MostEver = scale.MostEver, Draining = { scale.Draining }, At = scale.At, Cause = scale.Cause };

    private static ScaleRecorded Read(V1.Scale scale) => new(scale.Count, scale.IsPinned, scale.MostEver, [.. scale.Draining], scale.At, scale.Cause);

    private static WorkerReport Read(V1.WorkerReport report) => new(
        Read(report.Config, report.Worker, report.Type),
        report.Node,
        (WorkerState)report.State,
        report.Since,
        report.Note,
        report.Epoch,
        new WorkerHealth((HealthStatus)report.Health, report.HealthMessage),
        new WorkerMetrics(report.Metrics.Done, report.Metrics.Failed, report.Metrics.InDoubt, report.Metrics.Waiting, new TimeSpan(report.Metrics.Processing), new TimeSpan(report.Metrics.Throttled), report.Metrics.Restarts),
        [.. report.Schedules.Select(Read)],
        [.. report.Changes.Select(change => new WorkerChange((WorkerState)change.From, (WorkerState)change.To, change.At, change.Cause))]);

    private static V1.Config Write(WorkerConfig config) => new()
    {
        Priority = config.Priority,
        MaxMemory = config.MaxMemory,
        MaxCpu = config.MaxCpu,
        Timeout = config.Timeout.Ticks,
        Attempts = config.RetryPolicy.Attempts,
        FirstPause = config.RetryPolicy.First.Ticks,
        LongestPause = config.RetryPolicy.Longest.Ticks,
        JitterPercent = config.RetryPolicy.JitterPercent,
        Dependencies = { config.Dependencies },
    };

    private static WorkerConfig Read(V1.Config config, string id, string type) => new()
    {
        WorkerId = id,
        WorkerType = type,
        Priority = config.Priority,
        MaxMemory = config.MaxMemory,
        MaxCpu = config.MaxCpu,
        Timeout = new TimeSpan(config.Timeout),
        RetryPolicy = new RetryPolicy(config.Attempts, new TimeSpan(config.FirstPause), new TimeSpan(config.LongestPause), config.JitterPercent),
        Dependencies = [.. config.Dependencies],
    };
}
