using System.Security.Cryptography;
using System.Text;
using Vivim.Cli.Load;
using Vivim.Client;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Cli;

public sealed class GraphPeopleTests
{
    private static readonly FollowGraph Graph = GraphFile.Parse(new StringReader("ann bob\n"));

    [Fact]
    public void Keys_are_derived_as_documented()
    {
        byte[] preimage = [0, 19, .. "vivim/load-graph/v1"u8, .. Graph.Fingerprint().Bytes, 0, 3, .. Encoding.UTF8.GetBytes("ann")];
        using var key = new SigningKey(SHA256.HashData(preimage));

        var people = new GraphPeople(Graph);

        Assert.Equal(Person.DidOf(key.PublicKey), people.DidOf(0));
        Assert.Equal(Did.OfKey(key.PublicKey), people.KeyDidOf(0));
    }

    [Fact]
    public void The_same_graph_gives_the_same_people_and_another_graph_others()
    {
        var people = new GraphPeople(Graph);

        Assert.Equal(people.DidOf(1), new GraphPeople(GraphFile.Parse(new StringReader("# again\nann bob\n"))).DidOf(1));
        Assert.NotEqual(people.DidOf(1), new GraphPeople(GraphFile.Parse(new StringReader("ann bob\nbob ann\n"))).DidOf(1));
        Assert.NotEqual(people.DidOf(0), people.DidOf(1));
    }
}
