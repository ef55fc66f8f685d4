using System.Diagnostics;
using System.Globalization;

namespace Vivim.Tests.Gateway;

/// <summary>The subcommand that a container engine asks whether a node is ready.</summary>
[Collection(NodeCollection.Name)]
public sealed class HealthCheckTests
{
    [Fact]
    public async Task A_node_is_healthy_while_it_answers_and_not_when_it_hangs_or_is_gone()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files);

        var ready = await CheckAsync("127.0.0.1");
        var fromAnyAddress = await CheckAsync("0.0.0.0");
        using (var stop = Process.Start("kill", ["-STOP", node.Id.ToString(CultureInfo.InvariantCulture)])) await stop.WaitForExitAsync();
        var hanging = await CheckAsync("127.0.0.1");
        await node.KillAsync();
        var gone = await CheckAsync("127.0.0.1");

        Assert.Equal(new NodeExit(0, ""), ready);
        Assert.Equal(new NodeExit(0, ""), fromAnyAddress);
        Assert.Equal(new NodeExit(1, $"vivim: {node.Http}readyz has not answered within 3 s\n"), hanging);
        Assert.Equal(1, gone.Code);
        Assert.StartsWith($"vivim: {node.Http}readyz cannot be reached: ", gone.Error, StringComparison.Ordinal);

        Task<NodeExit> CheckAsync(string host) => NodeProcess.RunAsync(new NodeStart(files)
        {
            Settings = $"http {{ host = \"{host}\", port = {node.Http.Port} }}\ninsecure-bind = true",
            Arguments = ["healthcheck"],
        });
    }
}
