using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Grpc.Net.Client;
using Vivim.Client;

namespace Vivim.Tests.Gateway;

/// <summary>A folder for one node's data and settings, deleted at the end.</summary>
internal sealed class NodeFiles : IDisposable
{
    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("vivim-node-");

    /// <summary>The data folder. The node makes it.</summary>
    public string Data => PathOf("data");

    public string Genesis => Path.Combine(Data, "genesis");

    /// <summary>A path beside the data folder.</summary>
    public string PathOf(string name) => Path.Combine(root.FullName, name);

    /// <summary>A settings file for <c>--config</c>.</summary>
    /// <param name="vivim">What stands in the section <c>vivim {}</c>.</param>
    public string Settings(string vivim)
    {
        var path = PathOf("settings.conf");
        File.WriteAllText(path, $"vivim {{\n{vivim}\n}}\n");
        return path;
    }

    public void Dispose() => root.Delete(recursive: true);
}

/// <summary>How a process ended.</summary>
internal sealed record NodeExit(int Code, string Error);

/// <summary>
/// The real gateway as a child process on free loopback ports. Killed when disposed, if it still runs.
/// </summary>
internal sealed partial class NodeProcess : IAsyncDisposable
{
    /// <summary>Generous: it only bounds a failure.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly Process process;
    private readonly StringBuilder output = new();
    private readonly StringBuilder error = new();
    private readonly TaskCompletionSource<(Uri Http, Uri Grpc)> greeted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private GrpcChannel? channel;
    private VivimClient? client;

    private NodeProcess(NodeStart start)
    {
        process = new Process { StartInfo = start.Info() };
        process.OutputDataReceived += (_, line) => OnOutput(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(error, line.Data);
    }

    /// <summary>The assembly that was built together with the tests.</summary>
    public static string Assembly { get; } = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "Vivim.Gateway", new DirectoryInfo(AppContext.BaseDirectory).Name, "Vivim.Gateway.dll"));

    /// <summary>The node's own, also where it runs under a tool.</summary>
    public int Id => process.Id;

    public Uri Http { get; private set; } = null!;

    public Uri Grpc { get; private set; } = null!;

    public GrpcChannel Channel => channel ??= GrpcChannel.ForAddress(Grpc, new GrpcChannelOptions { MaxSendMessageSize = null, MaxReceiveMessageSize = null });

    public VivimClient Client => client ??= VivimClient.Connect(Grpc);

    /// <summary>Starts a node and waits until it is ready.</summary>
    public static async Task<NodeProcess> StartAsync(NodeStart start)
    {
        var node = Launch(start);
        try
        {
            await node.ReadyAsync();
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    public static Task<NodeProcess> StartAsync(NodeFiles files, string? settings = null) => StartAsync(new NodeStart(files) { Settings = settings });

    /// <summary>Starts a node and does not wait.</summary>
    public static NodeProcess Launch(NodeStart start)
    {
        var node = new NodeProcess(start);
        node.process.Start();
        node.process.BeginOutputReadLine();
        node.process.BeginErrorReadLine();
        return node;
    }

    /// <summary>Starts what is expected to end by itself.</summary>
    public static async Task<NodeExit> RunAsync(NodeStart start)
    {
        await using var node = Launch(start);
        return await node.ExitAsync();
    }

    /// <summary>Waits until /readyz answers 200.</summary>
    public async Task ReadyAsync()
    {
        var exit = process.WaitForExitAsync();
        if (await Task.WhenAny(greeted.Task, exit).WaitAsync(Limit) == exit) throw new InvalidOperationException($"the node ended with {process.ExitCode}: {Text(error)}{Text(output)}");
        (Http, Grpc) = await greeted.Task;
        await Eventually.Async(IsReadyAsync);
    }

    /// <summary>Whether /readyz answers 200.</summary>
    public async Task<bool> IsReadyAsync()
    {
        using var http = new HttpClient();
        using var response = await http.GetAsync(new Uri(Http, "readyz"));
        return response.StatusCode == HttpStatusCode.OK;
    }

    /// <summary>What it has written to standard output so far.</summary>
    public IReadOnlyList<string> Output => Text(output).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
    }

    /// <summary>SIGTERM; the node must end in peace.</summary>
    public async Task StopAsync()
    {
        Terminate();
        var exit = await ExitAsync();
        Assert.Equal("", exit.Error);
        Assert.Equal(0, exit.Code);
    }

    /// <summary>SIGTERM.</summary>
    public void Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Waits for the end.</summary>
    public async Task<NodeExit> ExitAsync()
    {
        await process.WaitForExitAsync().WaitAsync(Limit);
        return new NodeExit(process.ExitCode, Text(error));
    }

    public async ValueTask DisposeAsync()
    {
        client?.Dispose();
        channel?.Dispose();
        if (!process.HasExited) await KillAsync();
        process.Dispose();
    }

    private static string Text(StringBuilder lines)
    {
        lock (lines) return lines.ToString();
    }

    private static void Keep(StringBuilder lines, string? line)
    {
        lock (lines)
        {
            if (line is not null) lines.Append(line).Append('\n');
        }
    }

    private void OnOutput(string? line)
    {
        Keep(output, line);
        if (line is null || GrpcLine().Match(line) is not { Success: true } grpc) return;
        var http = HttpLine().Match(Text(output));
        greeted.TrySetResult((Reachable(http.Groups["address"].Value), Reachable(grpc.Groups["address"].Value)));
    }

    /// <summary>A node that listens everywhere is reached on loopback.</summary>
    private static Uri Reachable(string address) => new(address.Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal));

    [GeneratedRegex(@"^( +|\{.* )HTTP +(?<address>http://\S+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex HttpLine();

    [GeneratedRegex(@"^( +|\{.*is ready: .* )gRPC +(?<address>http://[^\s""]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex GrpcLine();
}

/// <summary>How to start a node.</summary>
internal sealed record NodeStart(NodeFiles Files)
{
    /// <summary>What stands in the section <c>vivim {}</c> of its <c>--config</c>; null for none.</summary>
    public string? Settings { get; init; }

    public string Data { get; init; } = Files.Data;

    public IReadOnlyList<string> Arguments { get; init; } = ["--http-port", "0", "--grpc-port", "0"];

    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>A program and its arguments that runs the node, such as a tracer.</summary>
    public IReadOnlyList<string> Under { get; init; } = [];

    public ProcessStartInfo Info()
    {
        string[] settings = Settings is null ? [] : ["--config", Files.Settings(Settings)];
        string[] command = [.. Under, "dotnet", NodeProcess.Assembly, "--data", Data, .. settings, .. Arguments];
        var info = new ProcessStartInfo(command[0], command[1..]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in Environment) info.Environment[name] = value;
        return info;
    }
}

/// <summary>Waits for a condition.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    public static async Task Async(Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed < Limit, $"it does not come about that {what}");
            await Task.Delay(Poll);
        }
    }
}
