using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Vivim.Actors.Workers;

namespace Vivim.Tests.Workers;

/// <summary>How many workers a type has, and which takes a task.</summary>
public sealed class ScaleCoreTests
{
    private static readonly ScaleLimits Limits = new(2, 5) { GrowAfter = 3, ShrinkAfter = 4 };

    /// <summary>The values of an independent implementation, github.com/dgryski/go-jump.</summary>
    [Theory]
    [InlineData(1UL, 1, 0)]
    [InlineData(42UL, 57, 43)]
    [InlineData(0xDEAD10CCUL, 1, 0)]
    [InlineData(0xDEAD10CCUL, 666, 361)]
    [InlineData(256UL, 1024, 520)]
    public void Placement_is_jump_consistent_hashing(ulong key, int workers, int place) => Assert.Equal(place, TaskPlacement.Of(key, workers));

    [Property]
    public void One_more_worker_takes_its_share_and_nothing_moves_among_the_others(NonEmptyString id, PositiveInt workers)
    {
        var count = (workers.Get % 200) + 1;
        var (before, after) = (TaskPlacement.Of(id.Get, count), TaskPlacement.Of(id.Get, count + 1));
        Assert.True(after == before || after == count);
        Assert.Contains(before, TaskPlacement.Ever(id.Get, count + 1));
        Assert.Contains(after, TaskPlacement.Ever(id.Get, count + 1));
    }

    [Fact]
    public void Shares_are_even_and_former_places_few()
    {
        var ids = Enumerable.Range(0, 10_000).Select(i => $"task-{i}").ToList();
        Assert.All(ids.GroupBy(id => TaskPlacement.Of(id, 10)), share => Assert.InRange(share.Count(), 850, 1_150));
        Assert.InRange(ids.Average(id => TaskPlacement.Ever(id, 10).Count), 2, 4);
    }

    /// <summary>Whatever the load and the operator do: within bounds, one at a time, only after enough samples in a row; no partition is forgotten before it is retired.</summary>
    [Property(MaxTest = 500)]
    public void The_count_follows_the_load_with_hysteresis_and_forgets_nobody(int seed)
    {
        var random = new System.Random(seed);
        var core = new ScaleCore(Limits);
        var alive = new HashSet<int>(Enumerable.Range(0, 2));
        var (above, below, tendency) = (0, 0, 0.5);
        for (long now = 1; now < 300; now++)
        {
            var before = core.State;
            if (random.Next(40) == 0) tendency = random.Next(3) / 2.0;
            ScaleRecorded? next;
            if (random.Next(60) == 0)
            {
                var wanted = random.Next(8);
                next = core.Set(wanted, "op", now);
                Assert.Equal(wanted is 0 or (>= 2 and <= 5), next is not null);
            }
            else if (before.Draining.Count > 0 && random.Next(4) == 0)
            {
                var gone = before.Draining[random.Next(before.Draining.Count)];
                next = core.Retire(gone, now);
                Assert.True(alive.Remove(gone));
            }
            else
            {
                var load = Math.Clamp(tendency + ((random.NextDouble() - 0.5) / 2), 0, 1);
                (above, below) = (load > 0.8 ? above + 1 : 0, load < 0.2 ? below + 1 : 0);
                next = core.Judge(load, now);
                var expected = before.IsPinned ? 0 : above >= 3 && before.Count < 5 ? 1 : below >= 4 && before.Count > 2 ? -1 : 0;
                Assert.Equal(expected, next is null ? 0 : next.Count - before.Count);
            }

            if (next is null) continue;
            core.Apply(next);
            (above, below) = (0, 0);
            alive.UnionWith(Enumerable.Range(0, next.Count));
            Assert.InRange(next.Count, 2, 5);
            Assert.Equal(alive.Order(), Enumerable.Range(0, next.Count).Concat(next.Draining).Order());
            Assert.True(next.MostEver >= alive.Max() + 1);
        }
    }

    [Theory]
    [InlineData(0, 3)]
    [InlineData(4, 3)]
    [InlineData(1, 1_001)]
    public void Impossible_bounds_are_refused(int least, int most) =>
        Assert.Throws<WorkerConfigException>(() => new WorkerRegistry("here", [new WorkerType(new WorkerConfig { WorkerId = "test-0", WorkerType = "test" }, most, _ => new ScriptedWorker(new Effects())) { Scale = new ScaleLimits(least, most) }]));
}
