using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Vivim.Actors.Tasks;

namespace Vivim.Actors.Workers;

/// <summary>
/// All workers of a scalable type, under the type's name: takes tasks for it and places each at one worker, measures their load, and has them
/// grow and shrink. A worker that is to go accepts nothing new, ends what it has, and only then stops: no task is lost, and none is moved.
/// The same task sent again is found wherever it was placed; this is exact as long as this actor and its workers reach each other in order, that is
/// but for a submission that is still under way from a node which has just died.
/// </summary>
public sealed class WorkerScale : JournaledActor, IWithTimers
{
    /// <summary>So many entries are journalled before those before the last are deleted.</summary>
    private const int KeepEntries = 64;

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(3);

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly Dictionary<string, Sample> samples = new(StringComparer.Ordinal);
    private readonly IActorRef self = Context.Self;
    private readonly WorkerSettings settings;
    private readonly ScaleLimits limits;
    private readonly ScaleCore core;
    private readonly string type;
    private double load;
    private bool isSampling;

    /// <exception cref="ArgumentException">The type is not scalable.</exception>
    public WorkerScale(string type, WorkerSettings settings)
        : base($"scale-{type}", WorkerActor.JournalGroup)
    {
        this.type = type;
        this.settings = settings;
        limits = settings.Registry.ScaleOf(type) ?? throw new ArgumentException($"{type} is not scalable", nameof(type));
        core = new ScaleCore(limits);
        Recover<ScaleRecorded>(core.Apply);
        Command<WakeWorker>(_ => { });
        Command<SubmitTask>(OnSubmit);
        Command<Placed>(OnPlaced);
        Command<SampleDue>(_ => TakeSample());
        Command<Sampled>(OnSampled);
        Command<WorkerRetired>(OnRetired);
        Command<ReadScale>(_ => Sender.Tell(Report()));
        Command<SetScale>(OnSet);
        Command<LeaveWorker>(_ => Context.Stop(Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private long Now => settings.Clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>What a worker had done by the last sample.</summary>
    private readonly record struct Sample(ulong Epoch, TimeSpan Busy, long At);

    private sealed record SampleDue : INoSerializationVerificationNeeded;

    /// <param name="Reports">Of the workers that have answered.</param>
    private sealed record Sampled(IReadOnlyList<WorkerReport> Reports) : INoSerializationVerificationNeeded;

    /// <param name="Count">By which the place was chosen, and the former places were looked for.</param>
    /// <param name="Known">The task as one of them knows it.</param>
    /// <param name="Silent">Which did not answer; null where all did.</param>
    private sealed record Placed(SubmitTask Submit, IActorRef ReplyTo, int Count, TaskAnswer? Known, string? Silent) : INoSerializationVerificationNeeded;

    protected override void PreStart()
    {
        base.PreStart();
        Timers.StartPeriodicTimer(nameof(SampleDue), new SampleDue(), settings.ScaleInterval);
    }

    private string IdOf(int partition) => $"{type}-{partition}";

    private ScaleReport Report(string refusal = "") => new(core.State, limits.Least, limits.Most, load, refusal);

    private void OnSubmit(SubmitTask submit)
    {
        var (count, region, replyTo) = (core.State.Count, settings.Region(), Sender);
        var place = TaskPlacement.Of(submit.Id, count);
        var others = TaskPlacement.Ever(submit.Id, core.State.MostEver).Where(partition => partition != place).Select(IdOf).ToList();
        if (others.Count == 0) region.Tell(submit with { Worker = IdOf(place) }, replyTo);
        else Find(others, submit, replyTo, count, region).PipeTo(self);
    }

    private static async Task<Placed> Find(IReadOnlyList<string> workers, SubmitTask submit, IActorRef replyTo, int count, IActorRef region)
    {
        foreach (var worker in workers)
        {
            try
            {
                var found = await region.Ask<TaskAnswer>(new FindTask(worker, submit.Id), AnswerLimit);
                if (found.Task is not null) return new Placed(submit, replyTo, count, found, null);
            }
            catch (AskTimeoutException)
            {
                return new Placed(submit, replyTo, count, null, worker);
            }
        }

        return new Placed(submit, replyTo, count, null, null);
    }

    private void OnPlaced(Placed placed)
    {
        var submit = placed.Submit;
        if (placed.Silent is { } silent)
            placed.ReplyTo.Tell(new TaskAnswer(TaskRefusal.WorkerAway, $"{silent}, which may have task {submit.Id}, does not answer: try again", null));
        else if (placed.Known is { Task: { } known } answer)
            placed.ReplyTo.Tell(known.Kind == submit.Kind && known.Argument == submit.Argument ? answer : new TaskAnswer(TaskRefusal.IdTaken, $"{type} has another task {submit.Id}", null));
        else if (placed.Count != core.State.Count)
            self.Tell(submit, placed.ReplyTo);
        else
            settings.Region().Tell(submit with { Worker = IdOf(TaskPlacement.Of(submit.Id, placed.Count)) }, placed.ReplyTo);
    }

    private void OnSet(SetScale set)
    {
        log.Info("{0} wants {1} workers of type {2}", set.By, set.Count == 0 ? "as the load asks" : $"{set.Count}", type);
        var replyTo = Sender;
        if (core.Set(set.Count, set.By, Now) is { } changed) Record(changed, () => replyTo.Tell(Report()));
        else replyTo.Tell(Report($"{set.Count} workers are not possible: {limits.Least} to {limits.Most}, or 0 to leave it to the load"));
    }

    private void TakeSample()
    {
        if (isSampling) return;
        isSampling = true;
        // Whom a failure has ended is also woken by being asked.
        var workers = Enumerable.Range(0, core.State.Count).Select(IdOf).ToList();
        foreach (var partition in core.State.Draining) settings.Region().Tell(new RetireWorker(IdOf(partition)), self);
        Ask(workers, settings.Region()).PipeTo(self);
    }

    private static async Task<Sampled> Ask(IReadOnlyList<string> workers, IActorRef region)
    {
        var reports = await Task.WhenAll(workers.Select(async worker =>
        {
            try
            {
                return await region.Ask<WorkerReport>(new ReadWorker(worker), AnswerLimit);
            }
            catch (AskTimeoutException)
            {
                return null;
            }
        }));
        return new Sampled([.. reports.OfType<WorkerReport>()]);
    }

    private void OnSampled(Sampled sampled)
    {
        isSampling = false;
        var loads = sampled.Reports.Where(report => report.State == WorkerState.Running).Select(LoadOf).OfType<double>().ToList();
        foreach (var gone in samples.Keys.Except(sampled.Reports.Select(report => report.Config.WorkerId)).ToList()) samples.Remove(gone);
        // A mean without those who say nothing, or do not run, would be a guess.
        if (loads.Count < core.State.Count) return;
        load = loads.Average();
        if (core.Judge(load, Now) is { } changed) Record(changed, () => { });
    }

    /// <summary>The part of the time since the last sample in which the worker was at work or held back; null where there is none of the same life.</summary>
    private double? LoadOf(WorkerReport report)
    {
        var (id, busy, now) = (report.Config.WorkerId, report.Metrics.Processing + report.Metrics.Throttled, Now);
        var known = samples.TryGetValue(id, out var before) && before.Epoch == report.Epoch && before.At < now;
        samples[id] = new Sample(report.Epoch, busy, now);
        return known ? Math.Clamp((busy - before.Busy).TotalMilliseconds / (now - before.At), 0, 1) : null;
    }

    private void OnRetired(WorkerRetired retired)
    {
        if (int.TryParse(retired.Worker[(type.Length + 1)..], out var partition) && core.Retire(partition, Now) is { } changed) Record(changed, () => { });
    }

    private void Record(ScaleRecorded changed, Action then)
    {
        var before = core.State.Count;
        Persist(changed, recorded =>
        {
            core.Apply(recorded);
            if (recorded.Count != before) log.Info("{0} workers of type {1} accept tasks, before {2}: {3}", recorded.Count, type, before, recorded.Cause);
            for (var partition = before; partition < recorded.Count; partition++) settings.Region().Tell(new WakeWorker(IdOf(partition)));
            if (LastSequenceNr % KeepEntries == 0) DeleteMessages(LastSequenceNr - 1);
            then();
        });
    }
}
