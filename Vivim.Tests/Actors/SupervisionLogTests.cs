using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Vivim.Actors.Supervision;

namespace Vivim.Tests.Actors;

/// <summary>The ring of supervision events against a plain list of all that ever was.</summary>
public sealed class SupervisionLogTests
{
    [Property(MaxTest = 300)]
    public Property A_reader_gets_every_event_once_and_in_order_or_is_told_exactly_how_many_it_has_lost() => Prop.ForAll(Steps(), Capacity(), (steps, capacity) =>
    {
        var log = new SupervisionLog(capacity);
        var all = new List<SupervisionEvent>();
        var known = 0UL;
        var seen = new List<ulong>();
        foreach (var step in steps)
        {
            for (var i = 0; i < step.Appended; i++) all.Add(log.Append(Event(all.Count)));
            var page = log.Read(known, step.Max, SupervisionFilter.All);
            var kept = all.Skip(Math.Max(0, all.Count - capacity)).Select(e => e.Sequence).ToList();
            var missed = all.Select(e => e.Sequence).Count(s => s > known && !kept.Contains(s));
            Assert.Equal((ulong)missed, page.Lost);
            Assert.Equal(kept.Where(s => s > known).Take(step.Max), page.Events.Select(e => e.Sequence));
            Assert.Equal(known + page.Lost + (ulong)page.Events.Count, page.Next);
            seen.AddRange(page.Events.Select(e => e.Sequence));
            known = page.Next;
        }

        Assert.Equal(Enumerable.Range(1, all.Count).Select(i => (ulong)i), all.Select(e => e.Sequence));
        Assert.Equal(seen.Distinct().Order(), seen);
        Assert.All(seen, s => Assert.Equal(all[(int)s - 1], all.Single(e => e.Sequence == s)));
    });

    [Property(MaxTest = 300)]
    public Property Filters_leave_out_what_is_not_wanted_and_nothing_else() => Prop.ForAll(Steps(), Capacity(), (steps, capacity) =>
    {
        var log = new SupervisionLog(capacity);
        var all = new List<SupervisionEvent>();
        foreach (var step in steps)
        {
            for (var i = 0; i < step.Appended; i++) all.Add(log.Append(Event(all.Count)));
        }

        var filter = new SupervisionFilter([SupervisionKind.Stopped, SupervisionKind.Down], "/user/a");
        var wanted = all.TakeLast(capacity).Where(e => e.Kind is SupervisionKind.Stopped or SupervisionKind.Down && e.Path.StartsWith("/user/a", StringComparison.Ordinal)).ToList();
        Assert.Equal(wanted, log.Read(0, int.MaxValue, filter).Events);
        Assert.Equal((ulong)all.Count, log.Read(0, int.MaxValue, filter).Next);
        foreach (var count in (int[])[0, 1, 3, capacity])
        {
            var tail = log.Tail(count, filter);
            Assert.Equal(wanted.TakeLast(count), tail.Events);
            Assert.Equal((ulong)all.Count, tail.Next);
        }
    });

    [Fact]
    public void A_reader_from_the_future_goes_on_with_what_is_new()
    {
        var log = new SupervisionLog(2);
        log.Append(Event(0));
        Assert.Equal(1UL, log.Read(99, 10, SupervisionFilter.All).Next);
        Assert.Empty(log.Read(ulong.MaxValue, 10, SupervisionFilter.All).Events);
    }

    [Fact]
    public void Texts_are_bounded_and_on_one_line_and_sharded_paths_are_read()
    {
        var cause = FailureCause.Of(new AggregateException(new InvalidOperationException(new string('x', 2_000) + "\r\nend")));
        Assert.Equal(("InvalidOperationException", 512, '…'), (cause.Type, cause.Message.Length, cause.Message[^1]));
        Assert.Equal("a b", FailureCause.Of(new IOException("a\nb")).Message);
        var e = SupervisionEvent.Of(SupervisionKind.Stopped, 1, "/system/sharding/pool/3/entity%201", cause, new string('d', 1_000));
        Assert.Equal(("pool", "entity 1", 256), (e.Region, e.Entity, e.Detail.Length));
        Assert.Equal(("pool", ""), SupervisedPath.Sharded("/system/sharding/pool/3"));
        Assert.Equal(("", ""), SupervisedPath.Sharded("/user/ledger"));
    }

    [Theory]
    [InlineData("/user/ledger", true)]
    [InlineData("/user/verifiers/$a", true)]
    [InlineData("/system/sharding/pool/3/3", true)]
    [InlineData("/user/StreamSupervisor-0/Flow-1-0-unnamed", false)]
    [InlineData("/system/sharding/replicator/$b", false)]
    [InlineData("/system/sharding/nodeReplicator/$c", false)]
    [InlineData("/system/cluster/core", false)]
    [InlineData("/user/bus-request-7", false)]
    [InlineData("/user/bus-inbox-7", false)]
    public void What_comes_and_goes_with_a_call_or_a_worker_is_no_news(string path, bool isLasting) => Assert.Equal(isLasting, SupervisedPath.IsLasting(path));

    private static SupervisionEvent Event(int i) =>
        SupervisionEvent.Of((SupervisionKind)((i % 13) + 1), i, i % 3 == 0 ? $"/user/a{i}" : $"/user/b{i}", FailureCause.None);

    private static Arbitrary<(int Appended, int Max)[]> Steps() =>
        Gen.Choose(0, 12).SelectMany(appended => Gen.Choose(1, 9).Select(max => (appended, max))).ArrayOf().ToArbitrary();

    private static Arbitrary<int> Capacity() => Gen.Choose(1, 20).ToArbitrary();
}
