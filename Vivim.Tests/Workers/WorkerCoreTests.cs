using FsCheck.Xunit;
using Vivim.Actors.Workers;

namespace Vivim.Tests.Workers;

/// <summary>What a worker may become, be configured as, and use.</summary>
public sealed class WorkerCoreTests
{
    /// <summary>Written down once more, so that a changed table is noticed.</summary>
    private static readonly Dictionary<WorkerState, WorkerState[]> Legal = new()
    {
        [WorkerState.Initialized] = [WorkerState.Starting, WorkerState.Failed],
        [WorkerState.Starting] = [WorkerState.Running, WorkerState.Failed, WorkerState.Stopping],
        [WorkerState.Running] = [WorkerState.Stopping, WorkerState.Failed],
        [WorkerState.Stopping] = [WorkerState.Stopped, WorkerState.Failed],
        [WorkerState.Stopped] = [WorkerState.Starting],
        [WorkerState.Failed] = [WorkerState.Restarting, WorkerState.Stopped],
        [WorkerState.Restarting] = [WorkerState.Running, WorkerState.Failed, WorkerState.Stopping],
    };

    private static readonly WorkerConfig Good = new() { WorkerId = "gc-local", WorkerType = "gc" };

    [Property(MaxTest = 500)]
    public void Whatever_happens_a_worker_goes_from_state_to_state_as_is_legal_and_no_further(byte[] happenings)
    {
        var state = WorkerState.Initialized;
        foreach (var happening in happenings)
        {
            if (WorkerLifecycle.Next(state, (WorkerSignal)(happening % 7)) is not { } next) continue;
            Assert.Contains(next, Legal[state]);
            state = next;
        }
    }

    [Fact]
    public void Every_legal_change_of_state_exists_and_every_state_can_be_reached()
    {
        var pairs = WorkerLifecycle.Transitions.Select(t => (t.Key.State, t.Value)).Distinct().OrderBy(p => p).ToList();
        Assert.Equal(Legal.SelectMany(from => from.Value.Select(to => (from.Key, to))).OrderBy(p => p), pairs);
        var reached = new HashSet<WorkerState> { WorkerState.Initialized };
        while (pairs.Any(p => reached.Contains(p.State) && reached.Add(p.Value))) continue;
        Assert.Equal(Enum.GetValues<WorkerState>().ToHashSet(), reached);
    }

    [Fact]
    public void A_wrong_configuration_names_the_field()
    {
        Good.Validate();
        var wrong = new (string Field, WorkerConfig Config)[]
        {
            ("WorkerId", Good with { WorkerId = "" }),
            ("WorkerId", Good with { WorkerId = "other-local" }),
            ("WorkerId", Good with { WorkerId = "gc-a b" }),
            ("WorkerType", Good with { WorkerType = "g-c" }),
            ("Priority", Good with { Priority = 0 }),
            ("Priority", Good with { Priority = 11 }),
            ("MaxMemory", Good with { MaxMemory = 100 }),
            ("MaxCpu", Good with { MaxCpu = 0 }),
            ("MaxCpu", Good with { MaxCpu = 101 }),
            ("Timeout", Good with { Timeout = TimeSpan.Zero }),
            ("Timeout", Good with { Timeout = TimeSpan.FromDays(2) }),
            ("RetryPolicy.Attempts", Good with { RetryPolicy = Good.RetryPolicy with { Attempts = 0 } }),
            ("RetryPolicy.First", Good with { RetryPolicy = Good.RetryPolicy with { First = TimeSpan.Zero } }),
            ("RetryPolicy.Longest", Good with { RetryPolicy = Good.RetryPolicy with { Longest = TimeSpan.FromMilliseconds(1) } }),
            ("RetryPolicy.JitterPercent", Good with { RetryPolicy = Good.RetryPolicy with { JitterPercent = 101 } }),
            ("Dependencies", Good with { Dependencies = [""] }),
        };
        Assert.All(wrong, item =>
        {
            var refusal = Assert.Throws<WorkerConfigException>(item.Config.Validate);
            Assert.Equal(item.Field, refusal.Field);
            Assert.StartsWith(item.Field + " = ", refusal.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Partitions_are_numbered_from_where_their_type_says_and_have_the_homes_it_says()
    {
        var type = new WorkerType(Good with { WorkerId = "v-1", WorkerType = "v" }, 2, _ => throw new InvalidOperationException()) { FirstPartition = 1, HomeOf = number => $"validator-{number}" };
        var registry = new WorkerRegistry("here", [new WorkerType(Good, 0, type.Create), type]);
        Assert.Equal(["gc-here", "v-1", "v-2"], registry.Ids(["here"]));
        Assert.All(["v-0", "v-3", "v-01", "v-", "v", "gc-"], id => Assert.Null(registry.ConfigOf(id)));
        Assert.Equal("v-2", registry.ConfigOf("v-2")!.WorkerId);
        Assert.Equal(["host-here", "validator-2", "", ""], ((string[])["gc-here", "v-2", "v-3", "other-1"]).Select(id => registry.HomeOf(id, host => $"host-{host}")));
        var scaled = Assert.Throws<WorkerConfigException>(() => new WorkerRegistry("here", [type with { Scale = new ScaleLimits(1, 2) }]));
        Assert.Equal(nameof(WorkerType.FirstPartition), scaled.Field);
    }

    [Property(MaxTest = 500)]
    public void A_pause_doubles_up_to_the_longest_and_jitter_only_shortens_it(ushort first, ushort more, byte failed, byte jitter, ushort chance)
    {
        var policy = new RetryPolicy(5, TimeSpan.FromMilliseconds(first + 1), TimeSpan.FromMilliseconds(first + 1 + more), jitter % 101);
        var without = policy.DelayAfter(failed, 0);
        Assert.InRange(without, policy.First, policy.Longest);
        Assert.Equal(policy.First, policy.DelayAfter(1, 0));
        var next = policy.DelayAfter(failed + 1, 0);
        if (failed > 0) Assert.Equal(Math.Min(2 * without.TotalMilliseconds, policy.Longest.TotalMilliseconds), next.TotalMilliseconds, 3);
        var shortened = policy.DelayAfter(failed, chance / 65_535.0);
        Assert.InRange(shortened.TotalMilliseconds, without.TotalMilliseconds * (100 - policy.JitterPercent) / 100 - 0.01, without.TotalMilliseconds);
        Assert.InRange(policy.DelayAfter(int.MaxValue, 0), policy.First, policy.Longest);
    }

    [Fact]
    public void Types_start_after_what_they_depend_on()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var names = Enumerable.Range(0, 8).Select(i => $"t{i}").ToArray();
            random.Shuffle(names);
            var needs = names.Select((name, i) => (name, needed: names[..i].Where(_ => random.Next(3) == 0).ToArray())).ToDictionary(t => t.name, t => (IReadOnlyList<string>)t.needed, StringComparer.Ordinal);
            var order = StartOrder.Of(needs).ToList();
            Assert.Equal(names.Order(), order.Order());
            Assert.All(needs, type => Assert.All(type.Value, needed => Assert.True(order.IndexOf(needed) < order.IndexOf(type.Key))));
        }
    }

    [Fact]
    public void Types_that_need_each_other_and_types_that_need_one_that_is_not_there_are_named()
    {
        var cycle = Assert.Throws<DependencyException>(() => StartOrder.Of(new Dictionary<string, IReadOnlyList<string>> { ["a"] = ["b"], ["b"] = ["c"], ["c"] = ["b"], ["d"] = [] }));
        Assert.Equal("these depend on each other: b -> c -> b", cycle.Message);
        var self = Assert.Throws<DependencyException>(() => StartOrder.Of(new Dictionary<string, IReadOnlyList<string>> { ["a"] = ["a"] }));
        Assert.Equal("these depend on each other: a -> a", self.Message);
        var missing = Assert.Throws<DependencyException>(() => StartOrder.Of(new Dictionary<string, IReadOnlyList<string>> { ["a"] = ["x"], ["b"] = [] }));
        Assert.Equal("a depends on x, which does not exist; there are: a, b", missing.Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(90)]
    public void Who_would_use_a_whole_processor_gets_its_share_of_it(int percent)
    {
        const long task = 300;
        const long hours = 3_600_000;
        var budget = new CpuBudget(percent, 0);
        long now = 0, used = 0;
        while (now < hours)
        {
            now += (long)budget.DelayAt(now).TotalMilliseconds;
            Assert.Equal(TimeSpan.Zero, budget.DelayAt(now));
            now += task;
            used += task;
            budget.Spend(TimeSpan.FromMilliseconds(task), now);
        }

        var share = now * percent / 100;
        Assert.InRange(used, share - task, share + (CpuBudget.Window.TotalMilliseconds * percent / 100) + task);
    }

    [Fact]
    public void A_whole_processor_is_never_held_back_and_a_clock_set_back_gives_nothing()
    {
        var whole = new CpuBudget(100, 0);
        whole.Spend(TimeSpan.FromHours(1), 1);
        Assert.Equal(TimeSpan.Zero, whole.DelayAt(1));

        var half = new CpuBudget(50, 100_000);
        half.Spend(TimeSpan.FromSeconds(6), 100_000);
        Assert.Equal(TimeSpan.FromSeconds(2), half.DelayAt(100_000));
        Assert.Equal(TimeSpan.FromSeconds(2), half.DelayAt(50_000));
        Assert.Equal(TimeSpan.FromSeconds(1), half.DelayAt(51_000));
    }

    [Fact]
    public void Turns_are_shared_in_proportion_to_priority_and_nobody_starves()
    {
        var shares = new TurnShares(1);
        var turns = new Dictionary<string, int>(StringComparer.Ordinal) { ["low"] = 0, ["high"] = 0 };
        shares.Ask("low", 1);
        shares.Ask("high", 9);
        for (var i = 0; i < 1_000; i++)
        {
            var worker = shares.Grant()!;
            Assert.Null(shares.Grant());
            turns[worker]++;
            shares.Return(worker, TimeSpan.FromMilliseconds(50));
            shares.Ask(worker, worker == "low" ? 1 : 9);
        }

        Assert.InRange(turns["low"], 95, 105);
    }

    [Fact]
    public void Time_away_is_not_saved_up_and_who_is_gone_gives_its_turn_back()
    {
        var shares = new TurnShares(1);
        for (var i = 0; i < 100; i++)
        {
            shares.Ask("busy", 5);
            Assert.Equal("busy", shares.Grant());
            shares.Return("busy", TimeSpan.FromSeconds(1));
        }

        shares.Ask("busy", 5);
        shares.Ask("new", 5);
        var first = new List<string>();
        for (var i = 0; i < 10; i++)
        {
            var worker = shares.Grant()!;
            first.Add(worker);
            shares.Return(worker, TimeSpan.FromSeconds(1));
            shares.Ask(worker, 5);
        }

        Assert.InRange(first.Count(worker => worker == "new"), 5, 6);
        var holder = shares.Grant()!;
        Assert.Null(shares.Grant());
        shares.Forget(holder);
        Assert.NotNull(shares.Grant());
    }
}
