using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Vivim.Cli.Load;

namespace Vivim.Tests.Cli;

public sealed class SmallWorldGraphTests
{
    [Property(MaxTest = 200, Replay = "1,3")]
    public Property Any_size_has_exactly_its_edges_all_distinct_and_none_of_oneself()
    {
        var sizes = from people in Gen.Choose(2, 60)
                    from edges in Gen.Choose(1, people * (people - 1))
                    from seed in Gen.Choose(0, int.MaxValue)
                    select new SmallWorldGraph(people, edges, (ulong)seed);
        return Prop.ForAll(sizes.ToArbitrary(), size =>
        {
            var graph = size.Generate();
            var edges = graph.Follows.SelectMany((f, a) => f.Select(b => (a, b))).ToList();
            return graph.People.Count == size.People
                && edges.Count == size.Edges
                && edges.Distinct().Count() == size.Edges
                && edges.TrueForAll(e => e.a != e.b && e.b >= 0 && e.b < size.People);
        });
    }

    [Fact]
    public void The_same_numbers_give_the_same_graph_on_every_machine()
    {
        var graph = SmallWorldGraph.Parse("people=4039,edges=88234,seed=1").Generate();

        Assert.Equal(88_234, graph.EdgeCount);
        Assert.Equal("9051a22695110331d72e0dd0cee3cbf115fcb1012feddcd49c8c8260b14fbf14", graph.Fingerprint().ToString());
        Assert.NotEqual(graph.Fingerprint(), SmallWorldGraph.Parse("people=4039,edges=88234,seed=2").Generate().Fingerprint());
    }

    [Fact]
    public void About_one_follow_in_ten_leaves_the_ring()
    {
        var graph = new SmallWorldGraph(1_000, 20_000, 7).Generate();
        var far = graph.Follows.SelectMany((f, a) => f.Select(b => (b - a + 1_000) % 1_000)).Count(distance => distance > 40);

        Assert.InRange(far, 1_500, 2_300);
    }

    [Theory]
    [InlineData("people=4039", "edges must be given")]
    [InlineData("edges=5", "people must be given")]
    [InlineData("people=1,edges=1", "people must be given, 2 to")]
    [InlineData("people=3,edges=7", "edges must be given, 1 to 6 for 3 people")]
    [InlineData("people=3,edges=-1", "'edges=-1' is not understood")]
    [InlineData("people=3;edges=1", "'people=3;edges=1' is not understood")]
    [InlineData("", "'' is not understood")]
    public void Numbers_out_of_range_are_refused(string text, string message) =>
        Assert.StartsWith(message, Assert.Throws<FormatException>(() => SmallWorldGraph.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_generator_is_SplitMix64()
    {
        // The first outputs for seed 1234567 in the reference implementation (prng.di.unimi.it/splitmix64.c).
        var random = new SplitMix64(1234567);
        Assert.Equal([6457827717110365317UL, 3203168211198807973UL, 9817491932198370423UL], [random.Next(), random.Next(), random.Next()]);
    }
}
