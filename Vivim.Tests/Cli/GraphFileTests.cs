using Vivim.Cli.Load;

namespace Vivim.Tests.Cli;

public sealed class GraphFileTests
{
    private static FollowGraph Parse(string text) => GraphFile.Parse(new StringReader(text));

    [Fact]
    public void A_line_is_one_follow_and_each_persons_follows_keep_their_order()
    {
        var graph = Parse("# SNAP\n\n0 2\n0\t1\n  2 0 \r\n0 3\n");

        Assert.Equal(["0", "2", "1", "3"], graph.People);
        Assert.Equal([1, 2, 3], graph.Follows[0]);
        Assert.Equal([0], graph.Follows[1]);
        Assert.Empty(graph.Follows[2]);
        Assert.Equal(4, graph.EdgeCount);
    }

    [Fact]
    public void A_duplicate_edge_stays_for_the_chain_to_refuse() => Assert.Equal(2, Parse("a b\na b\n").EdgeCount);

    [Theory]
    [InlineData("0 1\n2\n", "line 2: an edge is two names, 'a b', not 1")]
    [InlineData("0 1 7\n", "line 1: an edge is two names, 'a b', not 3")]
    [InlineData("# x\n\n5 5\n", "line 3: 5 follows themselves; remove the line")]
    [InlineData("# nothing\n", "there is no edge in it: each line is 'a b', a follows b")]
    public void A_bad_line_is_named(string text, string message) =>
        Assert.Equal(message, Assert.Throws<InvalidDataException>(() => Parse(text)).Message);

    [Fact]
    public void A_name_longer_than_the_limit_is_refused() =>
        Assert.StartsWith("line 1: a name has at most 64", Assert.Throws<InvalidDataException>(() => Parse($"{new string('x', 65)} 1\n")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_text_without_an_end_is_refused_before_it_fills_the_memory()
    {
        using var endless = new Endless('x');
        Assert.Equal("line 1: a line has at most 1024 characters", Assert.Throws<InvalidDataException>(() => GraphFile.Parse(endless)).Message);
        Assert.InRange(endless.Given, 1, 2_000);

        using var empty = new Endless('\n');
        Assert.Equal("it has more than 20000000 lines", Assert.Throws<InvalidDataException>(() => GraphFile.Parse(empty)).Message);
    }

    [Fact]
    public void The_fingerprint_covers_edges_not_comments()
    {
        Assert.Equal(Parse("a b\n").Fingerprint(), Parse("# c\na\tb\n").Fingerprint());
        Assert.NotEqual(Parse("a b\n").Fingerprint(), Parse("b a\n").Fingerprint());
        Assert.NotEqual(Parse("a b\na c\n").Fingerprint(), Parse("a c\na b\n").Fingerprint());
    }

    [SharedFact]
    public void The_real_graph_has_its_people_and_friendships()
    {
        using var text = File.OpenText(SharedMaterial.PathOf("data/ego-facebook.txt"));
        var graph = GraphFile.Parse(text);

        Assert.Equal(4_039, graph.People.Count);
        Assert.Equal(88_234, graph.EdgeCount);
        Assert.Equal(1_043, graph.Follows.Max(f => f.Count));
    }

    private sealed class Endless(char character) : TextReader
    {
        public long Given { get; private set; }

        public override int Peek() => character;

        public override int Read()
        {
            Given++;
            return character;
        }
    }
}
