using Akka.Actor;
using Akka.Configuration;
using Vivim.Actors.Serialization;
using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Tests.Actors;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Workers;

/// <summary>What workers send and journal has one form, for ever.</summary>
public sealed class WorkerSerializerTests : SerializerTests
{
    /// <summary>Manifests in journals. A changed message gets a new one beside the old.</summary>
    private static readonly Dictionary<string, string> Manifests = new()
    {
        ["IncarnationBegun"] = "worker-begun/1",
        ["IncarnationEnded"] = "worker-ended/1",
        ["TaskRecorded"] = "task/1",
        ["ScheduleRecorded"] = "schedule/1",
        ["ScheduleDropped"] = "schedule-dropped/1",
        ["TasksForgotten"] = "tasks-forgotten/1",
        ["TaskBookSaved"] = "task-book/1",
        ["WakeWorker"] = "wake-worker/1",
        ["SubmitTask"] = "submit-task/1",
        ["TaskAnswer"] = "task-answer/1",
        ["ReadWorker"] = "read-worker/1",
        ["WorkerReport"] = "worker-report/1",
        ["RestartWorker"] = "restart-worker/1",
        ["CrashWorker"] = "crash-worker/1",
        ["RetireWorker"] = "retire-worker/1",
        ["WorkerRetired"] = "worker-retired/1",
        ["FindTask"] = "find-task/1",
        ["ReadScale"] = "read-scale/1",
        ["SetScale"] = "set-scale/1",
        ["ScaleRecorded"] = "scale/1",
        ["ScaleReport"] = "scale-report/1",
        ["ListTasks"] = "list-tasks/1",
        ["TaskList"] = "tasks/1",
        ["ResolveTask"] = "resolve-task/1",
    };

    /// <summary>Records that are no messages: settings, parts of messages, what the cores work with.</summary>
    private static readonly Type[] NoMessages =
    [
        typeof(MessageForm), typeof(RetryPolicy), typeof(WorkerConfig), typeof(WorkerType), typeof(ScaleLimits), typeof(WorkerSettings), typeof(WorkerHealth), typeof(WorkerMetrics), typeof(WorkerChange), typeof(TaskAttempt),
        typeof(WorkerTask), typeof(TaskLease), typeof(Schedule), typeof(ScheduleState), typeof(IntervalTimes), typeof(CronTimes), typeof(TaskBookState), typeof(TaskLimits), typeof(TaskVerdict),
    ];

    [Fact]
    public void Every_message_of_workers_has_a_form_or_never_leaves_its_node()
    {
        var messages = typeof(IWorkerForm).Assembly.GetExportedTypes()
            .Where(t => t is { IsSealed: true, IsNested: false } && t.GetMethod("<Clone>$") is not null && t.Namespace!.StartsWith("Vivim.Actors", StringComparison.Ordinal))
            .Where(t => t.Namespace is "Vivim.Actors.Workers" or "Vivim.Actors.Tasks")
            .Where(t => !t.IsAssignableTo(typeof(INoSerializationVerificationNeeded)))
            .Except(NoMessages).ToList();
        Assert.Equal(messages.Select(t => t.Name).Order(), WorkerSerializer.Forms.Select(f => f.Type.Name).Order());
        Assert.All(messages, type => Assert.True(type.IsAssignableTo(typeof(IWorkerForm)), $"{type.Name} would be written by another serializer"));
    }

    [Fact]
    public void Manifests_of_workers_never_change() => Assert.Equal(Manifests, WorkerSerializer.Forms.ToDictionary(f => f.Type.Name, f => f.Manifest));

    [Fact]
    public void Every_form_of_workers_gives_back_what_was_written()
    {
        var kinds = new HashSet<Type>();
        for (var seed = 0; seed < 50; seed++)
        {
            foreach (var message in new Sample(seed).Messages())
            {
                kinds.Add(message.GetType());
                var serializer = Assert.IsType<WorkerSerializer>(System.Serialization.FindSerializerFor(message));
                var again = System.Serialization.Deserialize(serializer.ToBinary(message), serializer.Identifier, serializer.Manifest(message));
                Assert.Equivalent(message, again, strict: true);
            }
        }

        Assert.Equal(WorkerSerializer.Forms.Select(f => f.Type).ToHashSet(), kinds);
    }

    /// <summary>One message of every kind, with values from a seed, extreme ones among them.</summary>
    private sealed class Sample(int seed)
    {
        private readonly Random random = new(seed);

        public object[] Messages() =>
        [
            new IncarnationBegun(Text(), U64(), I64()),
            new IncarnationEnded(U64()),
            new TaskRecorded(Task()),
            new ScheduleRecorded(Schedule(), I64()),
            new ScheduleDropped(Text()),
            new TasksForgotten(I64()),
            new TaskBookSaved(new TaskBookState(U64(), Flag(), U64(), U64(), U64(), List(Task), List(Task), List(State))),
            new WakeWorker(Text()),
            new SubmitTask(Text(), Text(), Text(), Text(), I64()),
            new TaskAnswer(OneOf<TaskRefusal>(), Text(), Flag() ? Task() : null),
            new ReadWorker(Text()),
            Report(),
            new RestartWorker(Text(), Text()),
            new CrashWorker(Text(), Text()),
            new RetireWorker(Text()),
            new WorkerRetired(Text()),
            new FindTask(Text(), Text()),
            new ReadScale(Text()),
            new SetScale(Text(), Int(), Text()),
            Scale(),
            new ScaleReport(Scale(), Int(), Int(), random.NextDouble(), Text()),
            new ListTasks(Text(), Flag() ? OneOf<TaskPhase>() : null, Text(), Int()),
            new TaskList(List(Task), Flag()),
            new ResolveTask(Text(), Text(), OneOf<TaskDecision>(), Text()),
        ];

        private ScaleRecorded Scale() => new(Int(), Flag(), Int(), List(Int), I64(), Text());

        private bool Flag() => random.Next(2) == 0;

        private int Int() => random.Next(3) switch { 0 => 0, 1 => int.MaxValue, _ => random.Next() };

        private long I64() => random.Next(3) switch { 0 => 0, 1 => long.MaxValue, _ => random.NextInt64() };

        private ulong U64() => (ulong)I64() * 2;

        private string Text() => random.Next(3) switch { 0 => "", 1 => "äß – 漢", _ => $"text {random.Next()}" };

        private TimeSpan Span() => TimeSpan.FromTicks(I64());

        private List<T> List<T>(Func<T> item) => [.. Enumerable.Range(0, random.Next(4)).Select(_ => item())];

        private T OneOf<T>()
            where T : struct, Enum => Enum.GetValues<T>()[random.Next(Enum.GetValues<T>().Length)];

        private WorkerTask Task() => new()
        {
            Id = Text(),
            Kind = Text(),
            Argument = Text(),
            IsIdempotent = Flag(),
            Schedule = Text(),
            Occurrence = I64(),
            IntendedAt = I64(),
            DueAt = I64(),
            Attempts = Int(),
            Phase = OneOf<TaskPhase>(),
            Lease = Flag() ? new TaskLease(Text(), U64(), I64()) : null,
            Outcome = Text(),
            EndedAt = I64(),
        };

        private Schedule Schedule() => new(Text(), Text(), Text(), Flag() ? new IntervalTimes(random.Next(1, 1_000_000)) : new CronTimes($"{random.Next(60)} * * * *"), OneOf<MissedRuns>());

        private ScheduleState State() => new(Schedule(), I64());

        private WorkerReport Report() => new(
            new WorkerConfig
            {
                WorkerId = Text(),
                WorkerType = Text(),
                Priority = Int(),
                MaxMemory = I64(),
                MaxCpu = Int(),
                Timeout = Span(),
                RetryPolicy = new RetryPolicy(Int(), Span(), Span(), Int()),
                Dependencies = List(Text),
            },
            Text(),
            OneOf<WorkerState>(),
            I64(),
            Text(),
            U64(),
            new WorkerHealth(OneOf<HealthStatus>(), Text()),
            new WorkerMetrics(U64(), U64(), Int(), Int(), Span(), Span(), U64()),
            List(State),
            List(() => new WorkerChange(OneOf<WorkerState>(), OneOf<WorkerState>(), I64(), Text())));
    }
}
