using System.Net;
using System.Net.Sockets;
using Vivim.Faults.Postgres;
using Vivim.Protocol.Keys;
using Xunit.Abstractions;

namespace Vivim.Tests.Gateway;

/// <summary>
/// Everything that a started node listens on, with the reason and who is let in. A socket that is not in this list fails the test: whoever adds one says here
/// and in docs/operations.md why it is there and how those who connect are known.
/// </summary>
[Collection(ClusterCollection.Name)]
public sealed class ListeningSocketsTests(PreparedNetwork prepared, ITestOutputHelper output) : IClassFixture<PreparedNetwork>
{
    private static readonly Known[] KnownSockets =
    [
        new("HTTP", "status page, health, metrics, the API as JSON", "reads are open; operators show a token; transactions are signed"),
        new("gRPC", "the API", "reads are open; operators show a token; transactions are signed"),
        new("remoting", "the cluster's own messages", "mutual TLS: a certificate of the cluster's authority"),
        new("diagnostics", ".NET's diagnostics (dotnet-counters, dotnet-dump)", "a file that only the node's own user may open"),
    ];

    [Fact]
    public async Task A_node_on_its_own_listens_for_HTTP_and_gRPC_on_loopback_and_for_no_other_node()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files);
        Assert.Equal([("HTTP", $"127.0.0.1:{node.Http.Port}"), ("diagnostics", ""), ("gRPC", $"127.0.0.1:{node.Grpc.Port}")], Listed(node, remoting: null));
        using var key = SigningKey.ReadFrom(Path.Combine(files.Data, "keys", "operator.key"));
        Assert.Equal("akka.lone://vivim@localhost:0", (await node.Client.Operate(key).GetLeaderAsync()).Leader);
        await node.StopAsync();
    }

    [PostgresFact]
    public async Task A_node_as_the_compose_file_has_it_listens_for_other_nodes_by_mutual_TLS()
    {
        using var files = new NodeFiles();
        var remoting = PostgresServer.FreePort();
        await using var node = await NodeProcess.StartAsync(new NodeStart(files)
        {
            Arguments = ["--config", Repository.PathOf("hocon", "cluster.conf"), "--http-port", "0", "--grpc-port", "0", "--network", prepared.Network],
            // What the compose file gives a node, and where this test differs from it.
            Environment = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["VIVIM_CLUSTER_NAME"] = "node1",
                ["VIVIM_CLUSTER_HOST"] = "127.0.0.1",
                ["VIVIM_CLUSTER_HOME_OF"] = "1",
                ["VIVIM_CLUSTER_PORT"] = $"{remoting}",
                ["VIVIM_CLUSTER_SEED_NODES"] = $"127.0.0.1:{remoting}",
                ["VIVIM_DATABASE_HOST"] = "127.0.0.1",
                ["VIVIM_DATABASE_PORT"] = $"{prepared.Server.Port}",
                ["VIVIM_DATABASE_PASSWORD_FILE"] = prepared.Server.PasswordFile,
                ["VIVIM_GENESIS_VALIDATORS"] = "2",
            },
        });
        Assert.Equal(
            [("HTTP", $"0.0.0.0:{node.Http.Port}"), ("diagnostics", ""), ("gRPC", $"0.0.0.0:{node.Grpc.Port}"), ("remoting", $"0.0.0.0:{remoting}")],
            Listed(node, remoting));
        await RefusesPlainTextAsync(remoting);
        await node.StopAsync();
    }

    [Fact]
    public void What_listens_is_in_the_manual()
    {
        var manual = File.ReadAllText(Repository.PathOf("docs", "operations.md"));
        Assert.All(KnownSockets, known => Assert.Contains($"| {known.Purpose} | {known.Authentication} |", manual, StringComparison.Ordinal));
    }

    private List<(string Name, string Place)> Listed(NodeProcess node, int? remoting)
    {
        var listed = new List<(string Name, string Place)>();
        foreach (var socket in ListeningSocket.Of(node.Id))
        {
            var name = NameOf(socket, node, remoting);
            Assert.True(name is not null, $"an unknown socket: {socket}");
            var known = KnownSockets.Single(known => known.Name == name);
            output.WriteLine($"{socket.Kind} {socket.Place}: {known.Name}: {known.Purpose}; {known.Authentication}");
            listed.Add((name, socket.Kind == "unix" ? "" : socket.Place));
        }

        listed.Sort((one, other) => string.CompareOrdinal(one.Name, other.Name));
        return listed;
    }

    private static string? NameOf(ListeningSocket socket, NodeProcess node, int? remoting)
    {
        if (socket.Kind == "unix")
        {
            return Path.GetFileName(socket.Place).StartsWith($"dotnet-diagnostic-{node.Id}-", StringComparison.Ordinal) && IsOwnersOnly(socket.Place) ? "diagnostics" : null;
        }

        var port = IPEndPoint.Parse(socket.Place).Port;
        return socket.Kind != "tcp" ? null : port == node.Http.Port ? "HTTP" : port == node.Grpc.Port ? "gRPC" : port == remoting ? "remoting" : null;
    }

    private static bool IsOwnersOnly(string file)
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        return !OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & others) == UnixFileMode.None;
    }

    private static async Task RefusesPlainTextAsync(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await client.GetStream().WriteAsync("\u0004\0\0\0plain"u8.ToArray());
        var end = await Record.ExceptionAsync(async () => Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(30))));
        Assert.True(end is null or IOException, $"{end}");
    }

    /// <param name="Purpose">Why it is there.</param>
    /// <param name="Authentication">How those who connect are known.</param>
    private sealed record Known(string Name, string Purpose, string Authentication);
}
