using Vivim.Client;
using Vivim.Faults.Network;
using Vivim.Faults.Processes;

namespace Vivim.Faults.Cluster;

/// <summary>One gateway process of a cluster under a supervisor, which starts it again 1 s after it ended, however that came about.</summary>
internal sealed class ClusterNode : IAsyncDisposable
{
    private static readonly TimeSpan RestartDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);

    private readonly string settings;
    private readonly IReadOnlyList<string> command;
    private readonly string logFolder;
    private readonly CancellationTokenSource stop = new();
    private readonly Lazy<VivimClient> client;
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(2) };
    private Task supervising = Task.CompletedTask;
    private LoggedProcess? process;
    private int incarnations;

    /// <param name="settings">Its settings file.</param>
    /// <param name="command">What starts it.</param>
    /// <param name="logFolder">For a file per incarnation.</param>
    public ClusterNode(int number, NodeAddress address, string data, string settings, IReadOnlyList<string> command, string logFolder)
    {
        Number = number;
        Address = address;
        Data = data;
        this.settings = settings;
        this.command = command;
        this.logFolder = logFolder;
        client = new Lazy<VivimClient>(() => VivimClient.Connect(address.Grpc));
    }

    public int Number { get; }

    public string Name => $"node{Number}";

    public NodeAddress Address { get; }

    public string Data { get; }

    public VivimClient Client => client.Value;

    /// <summary>Whether it is started again when it ends.</summary>
    public bool IsSupervised { get; private set; }

    /// <summary>How often the supervisor has started it again.</summary>
    public int Restarts { get; private set; }

    public IEnumerable<string> Logs => Directory.GetFiles(logFolder, $"{Name}-*.log").Order(StringComparer.Ordinal);

    public int ProcessId => process is { HasExited: false } ? process.Id : throw new FaultsException($"{Name} does not run: {process?.LastLines()}");

    /// <summary>Starts it, and again whenever it ends, until it is stopped or killed for good.</summary>
    public void Start()
    {
        IsSupervised = true;
        Launch();
        supervising = SuperviseAsync(stop.Token);
    }

    /// <summary>Whether /readyz answers 200.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.GetAsync(Address.Ready, cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>SIGKILL; the supervisor starts it again.</summary>
    public Task KillAsync() => process!.KillAsync();

    /// <summary>SIGKILL, and it stays down until <see cref="Start"/>.</summary>
    public async Task KillForGoodAsync()
    {
        IsSupervised = false;
        await process!.KillAsync();
        await supervising;
    }

    /// <summary>SIGTERM, and it stays down until <see cref="Start"/>.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> StopAsync(CancellationToken cancellationToken)
    {
        IsSupervised = false;
        await process!.SignalAsync("TERM");
        var code = await process.ExitAsync(cancellationToken).WaitAsync(StopLimit, cancellationToken);
        await supervising;
        return code;
    }

    /// <summary>SIGSTOP.</summary>
    public Task FreezeAsync() => SystemProgram.SignalAsync("STOP", ProcessId);

    /// <summary>SIGCONT.</summary>
    public Task ThawAsync() => SystemProgram.SignalAsync("CONT", ProcessId);

    /// <summary>Runs the same command once more, beside itself.</summary>
    public LoggedProcess LaunchSecond() => LoggedProcess.Start(command, Path.Combine(logFolder, $"{Name}-second.log"));

    /// <summary>Deletes its chain and state databases; it must be down.</summary>
    public void WipeChain()
    {
        foreach (var file in Directory.GetFiles(Data, "chain.db*").Concat(Directory.GetFiles(Data, "state.db*"))) File.Delete(file);
    }

    /// <summary>Deletes all that is its own; genesis, keys and what is in the database are not. It must be down.</summary>
    public void Wipe()
    {
        Directory.Delete(Data, recursive: true);
        Directory.CreateDirectory(Data);
    }

    /// <summary>Sets a setting of its own, for its next start.</summary>
    /// <param name="key">Below <c>vivim</c>.</param>
    public void Set(string key, string value) => File.AppendAllText(settings, $"vivim.{key} = {value}\n");

    /// <summary>The end of its output in one line.</summary>
    public string LastLines() => process?.LastLines() ?? "it was not started";

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        IsSupervised = false;
        if (process is not null) await process.KillAsync();
        await supervising.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        process?.Dispose();
        if (client.IsValueCreated) client.Value.Dispose();
        http.Dispose();
        stop.Dispose();
    }

    private void Launch() => process = LoggedProcess.Start(command, Path.Combine(logFolder, $"{Name}-{++incarnations:D3}.log"));

    private async Task SuperviseAsync(CancellationToken cancellationToken)
    {
        while (IsSupervised)
        {
            await process!.ExitAsync(cancellationToken);
            if (!IsSupervised) return;
            await Task.Delay(RestartDelay, cancellationToken);
            if (!IsSupervised) return;
            Launch();
            Restarts++;
        }
    }
}
