using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Vivim.Cli.Demo;

/// <summary>A node of one's own: the gateway on free loopback ports with its data in a given folder. Killed when disposed.</summary>
internal sealed class GatewayProcess : IDisposable
{
    private const string Assembly = "Vivim.Gateway.dll";
    private const int KeptLines = 20;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    private readonly string program;
    private readonly string dataFolder;
    private readonly int httpPort;
    private readonly int grpcPort;
    private readonly Queue<string> lastLines = new();
    private Process? process;

    public GatewayProcess(string program, string dataFolder)
    {
        this.program = program;
        this.dataFolder = dataFolder;
        (httpPort, grpcPort) = FreePorts();
    }

    /// <summary>Its gRPC address.</summary>
    public Uri Node => new($"http://127.0.0.1:{grpcPort}");

    public int ProcessId => process?.Id ?? throw new InvalidOperationException("the node is not running");

    /// <summary>What it is started with.</summary>
    public string CommandLine => string.Join(' ', Command);

    private string[] Command =>
    [
        .. program.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? (string[])["dotnet", program] : [program],
        "--data", dataFolder, "--http-port", $"{httpPort}", "--grpc-port", $"{grpcPort}",
    ];

    /// <summary>The gateway beside this program, or built in the same repository; of the same configuration if there is one.</summary>
    /// <exception cref="CommandFailedException">It is not there.</exception>
    public static string Find()
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        string[] folders = [own.FullName, .. ((string[])[own.Name, "release", "debug"]).Select(c => Path.Combine(own.FullName, "..", "..", "Vivim.Gateway", c))];
        return folders.Select(f => Path.GetFullPath(Path.Combine(f, Assembly))).FirstOrDefault(File.Exists)
            ?? throw new CommandFailedException("GATEWAY_NOT_FOUND", "the gateway is not built beside this program; build it with: dotnet build Vivim.Gateway, or name it with --gateway PATH");
    }

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <exception cref="CommandFailedException">It ended, or is not ready after a minute.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        process = Process.Start(StartInfo()) ?? throw new CommandFailedException("NODE_FAILED", $"{program} does not start");
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < StartTimeout)
        {
            if (process.HasExited) throw new CommandFailedException("NODE_FAILED", $"the node ended with exit code {process.ExitCode}: {LastLines()}");
            if (await IsReadyAsync(http, cancellationToken)) return;
            await Task.Delay(Poll, cancellationToken);
        }

        throw new CommandFailedException("NODE_FAILED", $"the node is not ready after {StartTimeout.TotalSeconds:N0} s: {LastLines()}");
    }

    /// <summary>Ends it without warning: SIGKILL where there are signals.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        if (process is null) return;
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync(cancellationToken);
        process.Dispose();
        process = null;
    }

    public void Dispose()
    {
        if (process is null) return;
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
    }

    private async Task<bool> IsReadyAsync(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await http.GetAsync(new Uri($"http://127.0.0.1:{httpPort}/readyz"), cancellationToken);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private ProcessStartInfo StartInfo() => new(Command[0], Command[1..])
    {
        UseShellExecute = false,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        WorkingDirectory = dataFolder,
    };

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (string.IsNullOrWhiteSpace(line.Data)) return;
        lock (lastLines)
        {
            lastLines.Enqueue(line.Data.Trim());
            if (lastLines.Count > KeptLines) lastLines.Dequeue();
        }
    }

    private string LastLines()
    {
        lock (lastLines) return lastLines.Count == 0 ? "it printed nothing" : string.Join(" | ", lastLines);
    }

    private static (int Http, int Grpc) FreePorts()
    {
        using var http = new TcpListener(IPAddress.Loopback, 0);
        using var grpc = new TcpListener(IPAddress.Loopback, 0);
        http.Start();
        grpc.Start();
        return (((IPEndPoint)http.LocalEndpoint).Port, ((IPEndPoint)grpc.LocalEndpoint).Port);
    }
}
