using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;

namespace Vivim.Tests.Workers;

/// <summary>The protocol of durable tasks, without an actor: a journal is a list, a crash forgets all but that.</summary>
public sealed class TaskCoreTests
{
    private const long Minute = 60_000;

    private static readonly TaskLimits Limits = new(5, 1 << 20, TimeSpan.FromSeconds(10), new RetryPolicy(3, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), 0));

    private static readonly Dictionary<string, bool> Kinds = new() { ["store"] = true, ["charge"] = false };

    [Fact]
    public void A_task_is_intended_started_and_done_and_taken_once()
    {
        var life = new Life();
        life.Begin("node-1", 0);
        Assert.Equal(TaskRefusal.None, life.Submit("t", "charge", 0).Refusal);
        Assert.Empty(life.Core.Submit("t", "charge", "", 0, 1).Events);
        Assert.Equal(TaskRefusal.IdTaken, life.Core.Submit("t", "store", "", 0, 1).Refusal);
        var started = life.Next(5)!;
        Assert.Equal(new TaskLease("node-1", 1, 10_005), started.Lease);
        Assert.Null(life.Next(6));
        life.Finish(started, AttemptEnd.Succeeded, 7);
        Assert.Equal((TaskPhase.Done, 7L, 1), (life.Task("t").Phase, life.Task("t").EndedAt, life.Task("t").Attempts));
        Assert.Empty(life.Core.Submit("t", "charge", "", 0, 8).Events);
        Assert.Equal("w/t", life.Core.KeyOf(life.Task("t")));
    }

    [Fact]
    public void What_has_failed_without_effect_is_tried_again_after_a_pause_and_given_up_in_the_end()
    {
        var life = new Life();
        life.Begin("node-1", 0);
        life.Submit("t", "charge", 0);
        foreach (var (at, due) in new[] { (0L, 1_000L), (1_000L, 3_000L) })
        {
            life.Finish(life.Next(at)!, AttemptEnd.NothingDone, at);
            Assert.Equal((TaskPhase.Intended, due), (life.Task("t").Phase, life.Core.WakeAt()));
            Assert.Null(life.Next(due - 1));
        }

        life.Finish(life.Next(3_000)!, AttemptEnd.NothingDone, 3_000);
        Assert.Equal((TaskPhase.Failed, 3), (life.Task("t").Phase, life.Task("t").Attempts));
        Assert.Equal(1UL, life.Core.Book.Failed);
        life.Keep(life.Core.Resolve("t", TaskDecision.Again, "op", 4_000).Events);
        life.Finish(life.Next(4_000)!, AttemptEnd.Succeeded, 4_000);
        Assert.Equal(TaskPhase.Done, life.Task("t").Phase);
    }

    [Theory]
    [InlineData(TaskDecision.Done, TaskPhase.Done)]
    [InlineData(TaskDecision.Again, TaskPhase.Intended)]
    public void What_may_have_had_its_effect_waits_for_a_decision_unless_it_can_be_done_again(TaskDecision decision, TaskPhase then)
    {
        var life = new Life();
        life.Begin("node-1", 0);
        life.Submit("a", "store", 0);
        life.Finish(life.Next(0)!, AttemptEnd.Unknown, 0);
        Assert.Equal(TaskPhase.Intended, life.Task("a").Phase);
        life.Submit("b", "charge", 0);
        life.Finish(life.Next(0)!, AttemptEnd.Unknown, 0);
        Assert.Equal(TaskPhase.InDoubt, life.Task("b").Phase);
        for (long now = 0; now < 100 * Minute; now += Minute) Assert.NotEqual("b", life.Next(now)?.Id);
        Assert.Equal(TaskRefusal.NotInDoubt, life.Core.Resolve("a", decision, "op", 1).Refusal);
        Assert.Equal(TaskRefusal.UnknownTask, life.Core.Resolve("x", decision, "op", 1).Refusal);
        life.Keep(life.Core.Resolve("b", decision, "op", 1).Events);
        Assert.Equal(then, life.Task("b").Phase);
    }

    [Fact]
    public void The_next_life_takes_over_what_can_be_done_again_at_once_on_the_same_node_and_after_the_lease_on_another()
    {
        var life = new Life();
        life.Begin("node-1", 0);
        life.Submit("t", "store", 0);
        var first = life.Next(0)!;

        var same = life.Crash();
        same.Begin("node-1", 1);
        var second = same.Next(1)!;
        Assert.Equal((2, 2UL), (second.Attempts, second.Lease!.Epoch));
        // The first life's answer comes late: it changes nothing.
        Assert.Null(same.Core.Finish("t", first.Lease!.Epoch, AttemptEnd.Succeeded, "", 2, 0));

        var other = same.Crash();
        other.Begin("node-2", 2);
        Assert.Null(other.Next(10_000));
        Assert.Equal(10_001, other.Core.WakeAt());
        Assert.Equal(3, other.Next(10_001)!.Attempts);

        // Whoever brings its worker down each time is given up as well.
        var last = other.Crash();
        last.Begin("node-2", 10_002);
        Assert.Equal(TaskPhase.Failed, last.Next(10_003)!.Phase);
        Assert.Equal(3UL, last.Core.Book.Crashes);
    }

    [Fact]
    public void The_queue_is_bounded_in_number_and_bytes_and_says_so()
    {
        var life = new Life();
        life.Begin("node-1", 0);
        for (var i = 0; i < 5; i++) Assert.Equal(TaskRefusal.None, life.Submit($"t{i}", "store", 0).Refusal);
        var full = life.Submit("t5", "store", 0);
        Assert.Equal(TaskRefusal.QueueFull, full.Refusal);
        Assert.Contains("5 open tasks", full.Message, StringComparison.Ordinal);
        life.Finish(life.Next(0)!, AttemptEnd.Succeeded, 0);
        Assert.Equal(TaskRefusal.None, life.Submit("t5", "store", 0).Refusal);

        var small = new Life(Limits with { MaxBytes = 20_000 });
        small.Begin("node-1", 0);
        small.Keep(small.Core.Submit("a", "store", new string('x', 10_000), 0, 0).Events);
        Assert.Equal(TaskRefusal.QueueFull, small.Core.Submit("b", "store", new string('x', 10_000), 0, 0).Refusal);
        Assert.Equal(TaskRefusal.Malformed, small.Core.Submit("c", "store", new string('x', WorkerTask.MaxArgument + 1), 0, 0).Refusal);
        Assert.Equal(TaskRefusal.Malformed, small.Core.Submit("", "store", "", 0, 0).Refusal);
        Assert.Equal(TaskRefusal.UnknownKind, small.Core.Submit("d", "nothing", "", 0, 0).Refusal);
    }

    [Fact]
    public void What_is_over_is_kept_up_to_a_number_and_an_age()
    {
        var life = new Life();
        life.Begin("node-1", 0);
        for (var i = 0; i < TaskBook.History + 50; i++)
        {
            life.Submit($"t{i}", "store", i);
            life.Finish(life.Next(i)!, AttemptEnd.Succeeded, i);
        }

        Assert.Equal(TaskBook.History, life.Core.Book.Over.Count);
        Assert.Equal((ulong)TaskBook.History + 50, life.Core.Book.Done);
        life.Keep(life.Core.Forget(100));
        Assert.Equal(TaskBook.History - 50, life.Core.Book.Over.Count);
        Assert.Empty(life.Core.Forget(100));
    }

    [Theory]
    [InlineData(MissedRuns.RunOnce, 1)]
    [InlineData(MissedRuns.Skip, 0)]
    public void Runs_that_nobody_was_there_for_are_done_once_or_left_out(MissedRuns missed, int late)
    {
        var schedule = new Schedule("tidy", "store", "", new IntervalTimes(10 * Minute), missed);
        var life = new Life();
        life.Begin("node-1", 0, schedule);
        Assert.Empty(life.Core.Due(10 * Minute - 1));
        life.Due(10 * Minute + 5);
        Assert.Equal("tidy@600000", Assert.Single(life.Core.Book.Open).Id);
        life.Finish(life.Next(10 * Minute + 5)!, AttemptEnd.Succeeded, 10 * Minute + 6);

        var next = life.Crash();
        var now = 55 * Minute;
        next.Begin("node-1", now, schedule);
        next.Due(now);
        Assert.Equal(late, next.Core.Book.Open.Count(task => task.Id == "tidy@3000000"));
        Assert.Equal(late, next.Core.Book.Open.Count);
        if (late > 0) next.Finish(next.Next(now)!, AttemptEnd.Succeeded, now);
        next.Due(now);
        Assert.Empty(next.Core.Book.Open);
        Assert.Equal(60 * Minute, next.Core.WakeAt());
        next.Due(60 * Minute);
        Assert.Equal("tidy@3600000", Assert.Single(next.Core.Book.Open).Id);
    }

    [Fact]
    public void A_run_waits_for_the_one_before_and_a_changed_or_dropped_schedule_is_journalled()
    {
        var schedule = new Schedule("tidy", "charge", "", new IntervalTimes(Minute), MissedRuns.RunOnce);
        var life = new Life();
        life.Begin("node-1", 0, schedule);
        life.Due(Minute);
        var first = life.Next(Minute)!;
        life.Due(5 * Minute);
        Assert.Single(life.Core.Book.Open);
        life.Finish(first, AttemptEnd.Unknown, 5 * Minute);
        // In doubt: its schedule waits for the operator too.
        Assert.Empty(life.Core.Due(6 * Minute));
        life.Keep(life.Core.Resolve(first.Id, TaskDecision.Done, "op", 6 * Minute).Events);
        life.Due(6 * Minute);
        Assert.Equal("tidy@360000", Assert.Single(life.Core.Book.Open).Id);

        var changed = life.Crash();
        changed.Begin("node-1", 7 * Minute, schedule with { When = new CronTimes("0 4 * * *") });
        Assert.Equal(("cron 0 4 * * *", 7 * Minute), (Assert.Single(changed.Core.Book.Schedules).Schedule.When.Text, Assert.Single(changed.Core.Book.Schedules).Last));
        var dropped = changed.Crash();
        dropped.Begin("node-1", 8 * Minute);
        Assert.Empty(dropped.Core.Book.Schedules);
    }

    [Fact]
    public void Cron_and_intervals_name_the_times_that_they_should()
    {
        static long At(string time) => DateTimeOffset.Parse(time + "Z").ToUnixTimeMilliseconds();
        var nightly = ScheduleTimes.Parse("cron 30 4 * * 1-5");
        Assert.Equal(At("2026-03-02T04:30"), nightly.NextAfter(At("2026-02-27T04:30")));
        Assert.Equal(At("2026-02-27T04:30"), nightly.LatestBetween(At("2025-01-01T00:00"), At("2026-03-01T12:00")));
        Assert.Null(nightly.LatestBetween(At("2026-02-27T04:30"), At("2026-03-01T12:00")));
        Assert.Null(ScheduleTimes.Parse("cron 0 0 31 2 *").NextAfter(0));
        Assert.Equal(At("2026-01-01T00:07"), ScheduleTimes.Parse("cron * * * * *").LatestBetween(0, At("2026-01-01T00:07") + 59_999));
        Assert.Equal(new IntervalTimes(90_000), ScheduleTimes.Parse("every 90s"));
        Assert.Equal(["every 90s", "every 2m", "every 1h", "every 1500ms"], new[] { 90_000L, 120_000, 3_600_000, 1_500 }.Select(ms => new IntervalTimes(ms).Text));
        foreach (var wrong in (string[])["", "every", "every 0s", "every -1s", "every 5", "cron", "cron x", "cron 61 * * * *", "daily"]) Assert.Throws<FormatException>(() => ScheduleTimes.Parse(wrong));
    }

    /// <summary>
    /// Random lives: whatever is submitted, crashes, is late or is decided, no effect that must not take place twice does so without an operator
    /// having said "again", and in the end everything is over or waits for one.
    /// </summary>
    [Fact]
    public void No_effect_takes_place_twice_that_must_not_and_none_is_forgotten_whenever_a_worker_dies()
    {
        for (var seed = 0; seed < 2_000; seed++) new RandomLives(seed).Run();
    }

    /// <summary>One life over a journal that outlasts it.</summary>
    private sealed class Life(TaskLimits? limits = null, List<ITaskEvent>? journal = null)
    {
        private readonly List<ITaskEvent> journal = journal ?? [];

        public TaskCore Core { get; } = Recovered(limits ?? Limits, journal ?? []);

        public void Begin(string node, long now, params IReadOnlyList<Schedule> schedules) => Keep(Core.Begin(node, schedules, now));

        public TaskVerdict Submit(string id, string kind, long now)
        {
            var verdict = Core.Submit(id, kind, "", now, now);
            Keep(verdict.Events);
            return verdict;
        }

        public void Due(long now) => Keep(Core.Due(now));

        public WorkerTask? Next(long now)
        {
            if (Core.Next(now) is not { } next) return null;
            Keep([next]);
            return next.Task;
        }

        public void Finish(WorkerTask started, AttemptEnd end, long now)
        {
            if (Core.Finish(started.Id, started.Lease!.Epoch, end, "", now, 0) is { } ended) Keep([ended]);
        }

        public WorkerTask Task(string id) => Core.Book.Find(id)!;

        public void Keep(IReadOnlyList<ITaskEvent> events)
        {
            foreach (var e in events)
            {
                journal.Add(e);
                Core.Book.Apply(e);
            }
        }

        /// <summary>What is left after a crash; sometimes the journal has been compacted before.</summary>
        public Life Crash(bool compacted = false) => new(limits, compacted ? [new TaskBookSaved(Core.Book.State)] : [.. journal]);

        private static TaskCore Recovered(TaskLimits limits, List<ITaskEvent> journal)
        {
            var core = new TaskCore("w", limits, Kinds);
            foreach (var e in journal) core.Book.Apply(e);
            return core;
        }
    }

    private sealed class RandomLives(int seed)
    {
        private readonly Random random = new(seed);
        private readonly Dictionary<string, int> effects = new(StringComparer.Ordinal);
        private readonly Dictionary<string, int> allowed = new(StringComparer.Ordinal);
        private readonly HashSet<string> taken = new(StringComparer.Ordinal);
        private Life life = new();
        private long now;

        public void Run()
        {
            life.Begin(Node(), now);
            for (var i = 0; i < 60; i++)
            {
                now += random.Next(15_000);
                switch (random.Next(5))
                {
                    case 0:
                        Submit();
                        break;
                    case 1:
                        Crash();
                        break;
                    case 2:
                        Decide();
                        break;
                    default:
                        Work(canDie: true);
                        break;
                }
            }

            for (var i = 0; i < 200; i++, now += 30_000) Work(canDie: false);
            Assert.All(life.Core.Book.Open, task => Assert.Equal(TaskPhase.InDoubt, task.Phase));
            Assert.All(taken, id => Assert.NotNull(life.Core.Book.Find(id)));
            Assert.All(life.Core.Book.Over.Where(task => task.Phase == TaskPhase.Done && !task.Outcome.StartsWith("done, says", StringComparison.Ordinal)), task => Assert.True(effects.GetValueOrDefault(task.Id) > 0));
            Assert.All(effects.Where(effect => !life.Task(effect.Key).IsIdempotent), effect => Assert.InRange(effect.Value, 1, 1 + allowed.GetValueOrDefault(effect.Key)));
        }

        private string Node() => $"node-{random.Next(2)}";

        private void Submit()
        {
            var id = $"t{random.Next(12)}";
            if (life.Submit(id, random.Next(2) == 0 ? "store" : "charge", now).Refusal == TaskRefusal.None) taken.Add(id);
        }

        private void Crash()
        {
            life = life.Crash(compacted: random.Next(3) == 0);
            life.Begin(Node(), now);
        }

        private void Decide()
        {
            foreach (var task in life.Core.Book.Open.Where(task => task.Phase == TaskPhase.InDoubt).ToList())
            {
                var again = random.Next(2) == 0;
                if (again) allowed[task.Id] = allowed.GetValueOrDefault(task.Id) + 1;
                life.Keep(life.Core.Resolve(task.Id, again ? TaskDecision.Again : TaskDecision.Done, "op", now).Events);
            }
        }

        private void Work(bool canDie)
        {
            if (life.Next(now) is not { Phase: TaskPhase.Started } started) return;
            if (canDie && random.Next(6) == 0)
            {
                Crash();
                return;
            }

            var end = canDie ? (AttemptEnd)random.Next(3) : AttemptEnd.Succeeded;
            if (end == AttemptEnd.Succeeded || (end == AttemptEnd.Unknown && random.Next(2) == 0)) effects[started.Id] = effects.GetValueOrDefault(started.Id) + 1;
            if (canDie && random.Next(6) == 0) Crash();
            else life.Finish(started, end, now);
        }
    }
}
