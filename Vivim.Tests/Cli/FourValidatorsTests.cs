using System.Text.Json;
using Vivim.Cli;
using Vivim.Cli.Keys;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Cli;

/// <summary>One node that runs four validators, as its own process, killed under load.</summary>
[Collection(ClusterCollection.Name)]
public sealed class FourValidatorsTests : IDisposable
{
    private const int Validators = 4;
    private const int Quorum = 3;
    private const int People = 100;
    private const int Edges = 1_000;

    private static readonly string Load = $"load graph --generate people={People},edges={Edges},seed=1";

    private readonly NodeFiles files = new();

    [Fact]
    public async Task A_load_that_a_kill_interrupts_is_made_whole_by_the_next_on_a_chain_certified_by_quorums()
    {
        var interrupted = await InterruptLoadAsync();
        await using var node = await StartAsync();

        var loaded = await DoAsync(node, Load);
        Assert.Equal([People, Edges, 0, 0], ((string[])["identities", "committed", "rejected", "lost"]).Select(name => loaded.GetProperty(name).GetInt64()));
        Assert.InRange(loaded.GetProperty("submitted").GetInt64(), 1, Edges);
        Assert.True((await DoAsync(node, "chain verify")).GetProperty("matches").GetBoolean());

        var validators = (await DoAsync(node, "validators list")).GetProperty("validators").EnumerateArray().ToList();
        Assert.Equal(Validators, validators.Count);
        Assert.Single(validators, validator => validator.GetProperty("isNextProposer").GetBoolean());

        var chain = await DownloadedChain.VerifyAsync(node, GenesisFile.FromJson(await File.ReadAllBytesAsync(files.Genesis)));
        Assert.Equal(People + Edges, chain.Receipts.Count);
        var certificates = 0UL;
        await foreach (var block in node.Client.BlocksAsync(1))
        {
            Assert.InRange(CommitCertificate.FromBytes(block.Certificate.Span).Signatures.Count, Quorum, Validators);
            certificates++;
        }

        Assert.True(certificates > interrupted, $"the chain has {certificates} blocks, {interrupted} were there at the kill");
    }

    public void Dispose() => files.Dispose();

    private Task<NodeProcess> StartAsync() =>
        NodeProcess.StartAsync(new NodeStart(files) { Settings = "genesis { block-interval = 250ms, empty-block-interval = 1s }", Arguments = ["--http-port", "0", "--grpc-port", "0", "--validators", $"{Validators}"] });

    /// <summary>Kills the node when it has committed people, but not yet all that they do; gives its height then.</summary>
    private async Task<ulong> InterruptLoadAsync()
    {
        await using var node = await StartAsync();
        using var stop = new CancellationTokenSource();
        var load = RunAsync(node, Load, stop.Token);
        var height = 0UL;
        await foreach (var block in node.Client.BlocksAsync(1, follow: true))
        {
            height = block.Height;
            if (block.Receipts.Length > 0) break;
        }

        await node.KillAsync();
        await stop.CancelAsync();
        Assert.Equal(VivimCommand.Failure, (await load).ExitCode);
        return height;
    }

    private async Task<JsonElement> DoAsync(NodeProcess node, string command)
    {
        var (exitCode, output, error) = await RunAsync(node, command, CancellationToken.None);
        Assert.True(exitCode == VivimCommand.Success, $"{command}: exit code {exitCode}, {error}");
        return JsonDocument.Parse(output).RootElement;
    }

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(NodeProcess node, string command, CancellationToken cancellation)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var vivim = new VivimCommand(new KeyStore(files.PathOf("keys")), output, error);
        var exitCode = await vivim.RunAsync([.. command.Split(' '), "--json", "--node", node.Grpc.OriginalString], cancellation);
        return (exitCode, output.ToString(), error.ToString());
    }
}
