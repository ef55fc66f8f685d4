using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Vivim.Faults.Processes;

namespace Vivim.Faults.Postgres;

/// <summary>A PostgreSQL server of one's own in a temporary folder: started, stopped, killed, frozen, dumped and restored at will.</summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    public const string User = "vivim";

    public const string Database = "vivim";

    /// <summary>The account that runs the server when root may not.</summary>
    private const string Account = "postgres";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    private readonly string folder;
    private readonly IReadOnlyList<string> addresses;
    private LoggedProcess? process;
    private int starts;

    private PostgresServer(string folder, IReadOnlyList<string> addresses, int port)
    {
        this.folder = folder;
        this.addresses = addresses;
        Port = port;
    }

    public int Port { get; }

    /// <summary>Readable by its owner alone.</summary>
    public string PasswordFile => Path.Combine(folder, "password");

    /// <summary>Why there can be no server here; null when there can.</summary>
    public static string? Missing { get; } =
        !OperatingSystem.IsLinux() ? "needs Linux"
        : Program("initdb") is null || Program("postgres") is null || Program("pg_dump") is null ? "PostgreSQL is not installed: no initdb, postgres and pg_dump on the path or in /usr/lib/postgresql/*/bin (Debian: apt-get install postgresql)"
        : SystemProgram.IsRoot && SystemProgram.Find("setpriv") is null ? "PostgreSQL does not run as root, and setpriv, which would run it as somebody else, is not installed"
        : null;

    /// <summary>Makes a server with an empty database and starts it.</summary>
    /// <param name="folder">Must exist and be empty.</param>
    /// <param name="addresses">To listen on.</param>
    /// <exception cref="FaultsException">It cannot be made; <see cref="Missing"/> often says why.</exception>
    public static async Task<PostgresServer> CreateAsync(string folder, IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        if (Missing is { } missing) throw new FaultsException(missing);
        var server = new PostgresServer(folder, addresses, FreePort());
        await File.WriteAllTextAsync(server.PasswordFile, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), cancellationToken);
        await SystemProgram.RunAsync(["chmod", "600", server.PasswordFile], cancellationToken: cancellationToken);
        if (SystemProgram.IsRoot) await SystemProgram.RunAsync(["chown", "-R", $"{Account}:", folder], cancellationToken: cancellationToken);
        await server.RunAsync("initdb", ["-D", server.Data, "-U", User, $"--pwfile={server.PasswordFile}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"], cancellationToken);
        await File.AppendAllTextAsync(Path.Combine(server.Data, "pg_hba.conf"), "host all all all scram-sha-256\n", cancellationToken);
        await server.StartAsync(cancellationToken);
        await server.RunAsync("createdb", [.. server.Connection, Database], cancellationToken);
        return server;
    }

    /// <summary>Starts it and waits until it takes connections.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var deadline = DateTime.UtcNow + Limit;
        while (DateTime.UtcNow < deadline)
        {
            // After a crash the first attempts can fail while the old server's children hold its memory.
            if (process is null || process.HasExited) process = LoggedProcess.Start(AsServer("postgres", ["-D", Data, "-k", folder, "-h", string.Join(',', addresses), "-p", $"{Port}", "-c", "max_connections=300"]), Path.Combine(folder, $"postgres-{++starts}.log"));
            if (await IsReadyAsync(cancellationToken)) return;
            await Task.Delay(Poll, cancellationToken);
        }

        throw new FaultsException($"PostgreSQL takes no connections after {Limit.TotalSeconds:N0} s: {process?.LastLines()}");
    }

    /// <summary>Stops it in order, breaking all connections.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await Running.SignalAsync("INT");
        await Running.ExitAsync(cancellationToken);
    }

    /// <summary>SIGKILL to the server and its children.</summary>
    public async Task KillAsync()
    {
        await SignalAllAsync("KILL");
        await Running.ExitAsync(CancellationToken.None);
    }

    /// <summary>SIGSTOP: connections stay open and nothing answers.</summary>
    public Task FreezeAsync() => SignalAllAsync("STOP");

    /// <summary>SIGCONT.</summary>
    public Task ThawAsync() => SignalAllAsync("CONT");

    /// <summary>Writes the database, but for some tables, to a file.</summary>
    public Task DumpAsync(string file, IEnumerable<string> without, CancellationToken cancellationToken) =>
        RunAsync("pg_dump", [.. Connection, "--clean", "--if-exists", "-f", Path.Combine(folder, file), .. without.Select(table => $"--exclude-table={table}"), Database], cancellationToken);

    /// <summary>Replaces the tables of a dump by what they were then; other tables stay as they are.</summary>
    public Task RestoreAsync(string file, CancellationToken cancellationToken) =>
        RunAsync("psql", [.. Connection, "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-f", Path.Combine(folder, file), Database], cancellationToken);

    /// <summary>The answer to a query, a line a row, columns separated by '|'.</summary>
    public async Task<IReadOnlyList<string>> QueryAsync(string sql, CancellationToken cancellationToken) =>
        (await RunAsync("psql", [.. Connection, "-Atc", sql, Database], cancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public async ValueTask DisposeAsync()
    {
        if (process is null) return;
        if (!process.HasExited) await KillAsync();
        process.Dispose();
    }

    private string Data => Path.Combine(folder, "data");

    private LoggedProcess Running => process ?? throw new InvalidOperationException("PostgreSQL was not started");

    private IReadOnlyList<string> Connection => ["-h", addresses[0], "-p", $"{Port}", "-U", User];

    /// <summary>To the server and its children, of which some may end by themselves in this moment.</summary>
    private Task SignalAllAsync(string signal) => SystemProgram.TryRunAsync(["kill", $"-{signal}", .. new[] { Running.Id }.Concat(SystemProgram.ChildrenOf(Running.Id)).Select(id => $"{id}")]);

    private async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync("pg_isready", [.. Connection, "-q"], cancellationToken);
            return true;
        }
        catch (FaultsException)
        {
            return false;
        }
    }

    private Task<string> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        SystemProgram.RunAsync(AsServer(program, arguments), new Dictionary<string, string>(StringComparer.Ordinal) { ["PGPASSWORD"] = File.ReadAllText(PasswordFile) }, cancellationToken);

    private static string[] AsServer(string program, IReadOnlyList<string> arguments)
    {
        string[] account = SystemProgram.IsRoot ? ["setpriv", $"--reuid={Account}", $"--regid={Account}", "--clear-groups"] : [];
        return [.. account, Program(program) ?? program, .. arguments];
    }

    private static string? Program(string name) =>
        SystemProgram.Find(name, Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").OrderByDescending(f => f, StringComparer.Ordinal).Select(f => Path.Combine(f, "bin")) : []);

    /// <summary>A port of loopback that nobody listens on now.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
