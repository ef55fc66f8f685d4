using Akka.Actor;
using Vivim.Cli;
using Vivim.Cli.Keys;
using Vivim.Faults.Postgres;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Gateway;

/// <summary>A real node of a cluster whose other member runs nothing, comes and goes. Connections are plain, so that the other needs no certificate.</summary>
[Collection(ClusterCollection.Name)]
public sealed class OtherMembersTests(PreparedNetwork prepared) : IClassFixture<PreparedNetwork>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private string KeyFile => Path.Combine(prepared.Network, "keys", "operator.key");

    [PostgresFact]
    public async Task Another_member_is_shown_and_leaves_and_one_is_declared_down_while_the_node_goes_on()
    {
        using var files = new NodeFiles();
        await using var node = await StartAsync(files);
        using var key = SigningKey.ReadFrom(KeyFile);
        var operation = node.Client.Operate(key);
        var self = (await operation.GetLeaderAsync()).Leader;

        using (var other = await JoinAsync(self))
        {
            var address = Akka.Cluster.Cluster.Get(other).SelfAddress.ToString();
            Assert.Equal([self, address], (await operation.ShowAsync()).Members.OrderByDescending(member => member.IsSelf).Select(member => member.Address));
            Assert.Equal([("node1", true), (address, false)], (await operation.ListNodesAsync()).Nodes.OrderByDescending(listed => listed.Member.IsSelf).Select(listed => (listed.Name, listed.Answered)));
            using var output = new StringWriter();
            Assert.Equal(0, await Vivim(output).RunAsync(["cluster", "leave", address, "--key", KeyFile, "--node", node.Grpc.OriginalString]));
            Assert.Equal($"{address} | [other] | removed |  | 7.8.9\n", output.ToString());
            await other.WhenTerminated.WaitAsync(Patience);
        }

        using (var other = await JoinAsync(self))
        {
            await operation.DownAsync(Akka.Cluster.Cluster.Get(other).SelfAddress.ToString(), force: true);
            await other.WhenTerminated.WaitAsync(Patience);
        }

        await Eventually.Async(async () => (await operation.ShowAsync()).Members.Count == 1);
        Assert.True(await node.IsReadyAsync());
    }

    [PostgresFact]
    public async Task What_happens_now_is_told_as_it_happens_and_in_words()
    {
        using var files = new NodeFiles();
        await using var node = await StartAsync(files);
        using var key = SigningKey.ReadFrom(KeyFile);
        var operation = node.Client.Operate(key);
        var self = (await operation.GetLeaderAsync()).Leader;
        string[] options = ["--key", KeyFile, "--node", node.Grpc.OriginalString];

        using var stop = new CancellationTokenSource(Patience);
        using var output = new SharedText();
        var watching = Vivim(output).RunAsync(["supervision", "watch", "--kind", "member-up", "--kind", "down", "--kind", "member-removed", .. options], stop.Token);
        // Until the watch has begun nothing can be told to it.
        await Task.Delay(3_000);
        string address;
        using (var other = await JoinAsync(self))
        {
            address = Akka.Cluster.Cluster.Get(other).SelfAddress.ToString();
            await operation.LeaveAsync(address);
            await other.WhenTerminated.WaitAsync(Patience);
        }

        await Eventually.Async(() => Task.FromResult(output.ToString().Contains("member-removed", StringComparison.Ordinal)));
        await stop.CancelAsync();
        Assert.Equal(VivimCommand.Success, await watching);
        var lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Matches($@"^\d\d:\d\d:\d\d\.\d{{3}} node1 +member-up      {address}$", lines[0]);
        Assert.EndsWith($"member-removed {address}", lines[1], StringComparison.Ordinal);
    }

    private Task<NodeProcess> StartAsync(NodeFiles files) =>
        NodeProcess.StartAsync(prepared.Node(files, "node1", PostgresServer.FreePort(), more: "cluster.insecure-bind = true"));

    private static VivimCommand Vivim(TextWriter output) => new(new KeyStore(Path.GetTempPath()), output, TextWriter.Null);

    private static async Task<ActorSystem> JoinAsync(string address)
    {
        var other = ActorSystem.Create("vivim", """
            akka {
              actor.provider = cluster
              stdout-loglevel = OFF
              loglevel = OFF
              remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
              cluster { roles = ["other"], app-version = "7.8.9", downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster" }
            }
            """);
        using var limit = new CancellationTokenSource(Patience);
        await Akka.Cluster.Cluster.Get(other).JoinAsync(Address.Parse(address), limit.Token);
        return other;
    }
}
