using System.Diagnostics;
using System.Text.Json;
using Vivim.Cli.Keys;
using Vivim.Cli.Load;
using Vivim.Client;
using Vivim.Protocol;
using Vivim.Protocol.Proofs;

namespace Vivim.Cli.Demo;

/// <summary>One step of the demonstration, as it went.</summary>
public sealed record DemoStep(string Title, string Command, double Seconds, bool Passed, string Detail);

/// <summary>
/// The whole promise in one run: a node of its own takes a social graph, is killed in the middle, loses nothing, and proves what it holds.
/// Every step is a command line that anybody can type.
/// </summary>
internal sealed class DemoRun : IDisposable
{
    private const string Load = "load graph --generate people=250,edges=5000,seed=1";
    private const int Follows = 5_000;
    private const int People = 250;

    /// <summary>More than the registrations, so that what waits is follows.</summary>
    private const ulong PendingAtKill = 2 * People;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);

    private readonly string folder;
    private readonly GatewayProcess node;
    private readonly Action<DemoStep> show;
    private Task<Outcome>? load;
    private string stateRoot = "";

    /// <param name="show">Called after each step.</param>
    public DemoRun(string gateway, Action<DemoStep> show)
    {
        this.show = show;
        folder = Directory.CreateTempSubdirectory("vivim-demo-").FullName;
        node = new GatewayProcess(gateway, folder);
    }

    private sealed record Outcome(int ExitCode, string Output, string Error)
    {
        public JsonElement Json => JsonDocument.Parse(Output).RootElement;

        /// <summary>The sentence of a failure.</summary>
        public string Message => JsonDocument.Parse(Error).RootElement.GetProperty("error").GetProperty("message").GetString()!;
    }

    private string GenesisPath => Path.Combine(folder, "demo-genesis.json");

    private string ProofPath => Path.Combine(folder, "edge.proof");

    private string AbsencePath => Path.Combine(folder, "absent.proof");

    private string TamperedPath => Path.Combine(folder, "tampered.proof");

    /// <summary>Runs the steps in order, up to the first that fails.</summary>
    /// <returns>True when all passed.</returns>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        var people = new GraphPeople(SmallWorldGraph.Parse("people=250,edges=5000,seed=1").Generate());
        var (a, b, c) = (people.DidOf(0), people.DidOf(1), people.DidOf(People / 2));
        return await StepAsync("start a node", node.CommandLine, () => StartAsync(cancellationToken))
            && await StepAsync("keep its genesis", $"vivim genesis show -o {GenesisPath}", () => ExpectAsync(["genesis", "show", "-o", GenesisPath], cancellationToken))
            && await StepAsync("load 5,000 follows, and in the middle", $"vivim {Load}", () => LoadUntilPendingAsync(cancellationToken))
            && await StepAsync("kill the node", $"kill -9 {node.ProcessId}", () => KillAsync(cancellationToken))
            && await StepAsync("start it again", node.CommandLine, () => StartAsync(cancellationToken))
            && await StepAsync("the load ends with nothing lost", "(the same load, still running)", FinishLoadAsync)
            && await StepAsync("load again: nothing is left to do", $"vivim {Load}", () => LoadAgainAsync(cancellationToken))
            && await StepAsync("prove a follow", $"vivim proof follow {a} {b} -o {ProofPath}", () => ProveAsync(a.ToString(), b.ToString(), ProofPath, exists: true, cancellationToken))
            && await StepAsync("verify it without the node", $"vivim proof verify {ProofPath} --genesis {GenesisPath}", () => ExpectAsync(["proof", "verify", ProofPath, "--genesis", GenesisPath], cancellationToken))
            && await StepAsync("flip one byte: refused", $"vivim proof verify {TamperedPath} --genesis {GenesisPath}", () => TamperAsync(cancellationToken))
            && await StepAsync("prove that somebody does not follow", $"vivim proof follow {a} {c} -o {AbsencePath}", () => ProveAsync(a.ToString(), c.ToString(), AbsencePath, exists: false, cancellationToken))
            && await StepAsync("re-execute the whole chain", $"vivim chain verify --genesis {GenesisPath}", () => VerifyChainAsync(cancellationToken));
    }

    public void Dispose()
    {
        node.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task<bool> StepAsync(string title, string command, Func<Task<string>> action)
    {
        var clock = Stopwatch.StartNew();
        var (passed, detail) = await TryAsync(action);
        show(new DemoStep(title, command, Math.Round(clock.Elapsed.TotalSeconds, 2), passed, detail));
        return passed;
    }

    private static async Task<(bool Passed, string Detail)> TryAsync(Func<Task<string>> action)
    {
        try
        {
            return (true, await action());
        }
        catch (CommandFailedException e)
        {
            return (false, e.Message);
        }
        catch (VivimException e)
        {
            return (false, $"{e.Reason}: {e.Message}");
        }
    }

    private async Task<string> StartAsync(CancellationToken cancellationToken)
    {
        await node.StartAsync(cancellationToken);
        return $"ready at {node.Node.OriginalString.TrimEnd('/')}, process {node.ProcessId}";
    }

    private async Task<string> KillAsync(CancellationToken cancellationToken)
    {
        await node.KillAsync(cancellationToken);
        return "SIGKILL: it had no time to write anything";
    }

    private async Task<string> LoadUntilPendingAsync(CancellationToken cancellationToken)
    {
        load = CommandAsync(Load.Split(' '), cancellationToken);
        using var client = VivimClient.Connect(node.Node);
        while (!load.IsCompleted)
        {
            var pending = (await client.GetStatusAsync(cancellationToken)).PoolPending;
            if (pending >= PendingAtKill) return $"{pending} follows are acknowledged and in no block yet";
            await Task.Delay(Poll, cancellationToken);
        }

        var outcome = await load;
        throw new CommandFailedException("LOAD_ENDED", $"the load ended before it could be interrupted: {outcome.Output}{outcome.Error}");
    }

    private async Task<string> FinishLoadAsync()
    {
        var result = Succeeded(await load!).Json;
        var (committed, lost) = (result.GetProperty("committed").GetInt64(), result.GetProperty("lost").GetInt64());
        stateRoot = result.GetProperty("stateRoot").GetString()!;
        return committed == Follows && lost == 0
            ? $"{committed} committed, {lost} lost"
            : throw new CommandFailedException("LOAD_INCOMPLETE", $"{committed} of {Follows} follows are committed, {lost} lost");
    }

    private async Task<string> LoadAgainAsync(CancellationToken cancellationToken)
    {
        var result = Succeeded(await CommandAsync(Load.Split(' '), cancellationToken)).Json;
        var (submitted, root) = (result.GetProperty("submitted").GetInt64(), result.GetProperty("stateRoot").GetString());
        if (submitted != 0) throw new CommandFailedException("NOT_IDEMPOTENT", $"{submitted} follows were submitted again");
        return root == stateRoot ? "0 submitted, the same state root" : throw new CommandFailedException("STATE_CHANGED", $"the state root was {stateRoot} and is {root}");
    }

    private async Task<string> ProveAsync(string follower, string followee, string path, bool exists, CancellationToken cancellationToken)
    {
        var proof = Succeeded(await CommandAsync(["proof", "follow", follower, followee, "-o", path, "--genesis", GenesisPath], cancellationToken)).Json;
        var claim = proof.GetProperty("claims")[0];
        return claim.GetProperty("exists").GetBoolean() == exists
            ? $"{new FileInfo(path).Length} bytes: {claim.GetProperty("text").GetString()}"
            : throw new CommandFailedException("WRONG_PROOF", $"it proves something else: {claim.GetProperty("text").GetString()}");
    }

    private async Task<string> TamperAsync(CancellationToken cancellationToken)
    {
        var bytes = RegularFile.Read(ProofPath, ProofFile.MaxSize);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(TamperedPath, bytes, cancellationToken);
        var outcome = await CommandAsync(["proof", "verify", TamperedPath, "--genesis", GenesisPath], cancellationToken);
        return outcome.ExitCode == VivimCommand.Failure
            ? outcome.Message
            : throw new CommandFailedException("NOT_REFUSED", $"the proof with its last byte changed was accepted");
    }

    private async Task<string> VerifyChainAsync(CancellationToken cancellationToken)
    {
        var result = Succeeded(await CommandAsync(["chain", "verify", "--genesis", GenesisPath], cancellationToken)).Json;
        return $"{result.GetProperty("transactions").GetInt64()} transactions in {result.GetProperty("height").GetInt64()} blocks give the node's state root";
    }

    private async Task<string> ExpectAsync(string[] command, CancellationToken cancellationToken)
    {
        Succeeded(await CommandAsync(command, cancellationToken));
        return "done";
    }

    private static Outcome Succeeded(Outcome outcome) =>
        outcome.ExitCode == VivimCommand.Success ? outcome : throw new CommandFailedException("COMMAND_FAILED", $"exit code {outcome.ExitCode}: {outcome.Message}");

    /// <summary>Runs a command line of this program against the node, as a shell would.</summary>
    private async Task<Outcome> CommandAsync(string[] command, CancellationToken cancellationToken)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var vivim = new VivimCommand(new KeyStore(Path.Combine(folder, "cli-keys")), output, error);
        var exitCode = await vivim.RunAsync([.. command, "--json", "--node", node.Node.OriginalString], cancellationToken);
        return new Outcome(exitCode, output.ToString(), error.ToString());
    }
}
