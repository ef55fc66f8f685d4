using System.Net;
using System.Net.Sockets;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Gateway;

/// <summary>A data folder with a chain of a few blocks, whose node was stopped in peace.</summary>
public sealed class UsedDataFolder : IAsyncLifetime, IDisposable
{
    private readonly NodeFiles files = new();

    public async Task InitializeAsync()
    {
        await using var node = await NodeProcess.StartAsync(files, "genesis.block-interval = 250ms");
        using var person = await TestPerson.RegisteredAsync(node);
        // Only a second height makes the signer's row one that a lost chain contradicts: the first height's own block would just be found again.
        await Eventually.Async(async () => (await node.Client.GetStatusAsync()).Height >= 2);
        await node.StopAsync();
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => files.Dispose();

    /// <summary>A copy to spoil.</summary>
    internal NodeFiles Copy()
    {
        var copy = new NodeFiles();
        foreach (var file in Directory.EnumerateFiles(files.Data, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(copy.Data, Path.GetRelativePath(files.Data, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return copy;
    }
}

/// <summary>A node that cannot start says why in one sentence, and ends.</summary>
[Collection(NodeCollection.Name)]
public sealed class StartRefusalTests(UsedDataFolder used) : IClassFixture<UsedDataFolder>
{
    private const int CannotRun = 1;
    private const int WrongSettings = 2;

    [Fact]
    public async Task A_genesis_that_the_database_was_not_made_with()
    {
        using var files = used.Copy();
        var genesis = Read(files);
        await File.WriteAllBytesAsync(files.Genesis, (genesis with { Time = genesis.Time + 1 }).ToJson());

        await RefusesAsync(CannotRun, new NodeStart(files), "chain database belongs to the genesis", genesis.Hash.ToString());
    }

    [Fact]
    public async Task A_chain_without_its_signer_row()
    {
        using var files = used.Copy();
        Delete(files, "signer.db");

        await RefusesAsync(CannotRun, new NodeStart(files), "signer row", "signer.db");
    }

    [Fact]
    public async Task Another_number_of_validators_than_the_chain_began_with()
    {
        using var files = used.Copy();
        await RefusesAsync(CannotRun, new NodeStart(files) { Arguments = ["--http-port", "0", "--grpc-port", "0", "--validators", "4"] }, files.Genesis, "names 1 validators, not 4");
    }

    [Fact]
    public async Task A_chain_older_than_its_signer_row()
    {
        using var files = used.Copy();
        Delete(files, "chain.db");
        Delete(files, "state.db");

        await RefusesAsync(CannotRun, new NodeStart(files), "has signed at height", "ends at 0");
    }

    [Fact]
    public async Task A_state_ahead_of_its_chain()
    {
        using var files = used.Copy();
        using (var state = new SqliteStateStore(Path.Combine(files.Data, "state.db"))) state.Write(1_000, new Dictionary<byte[], byte[]?>());

        await RefusesAsync(CannotRun, new NodeStart(files), "state database is at height 1000");
    }

    [Fact]
    public async Task A_chain_without_its_genesis()
    {
        using var files = used.Copy();
        File.Delete(files.Genesis);

        await RefusesAsync(CannotRun, new NodeStart(files), files.Genesis, "put it back");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{ \"chainId\": \"x\" }")]
    [InlineData("\0\0\0\0")]
    public async Task A_damaged_genesis(string content)
    {
        using var files = used.Copy();
        await File.WriteAllTextAsync(files.Genesis, content);

        await RefusesAsync(CannotRun, new NodeStart(files), files.Genesis);
    }

    [Theory]
    [InlineData("validator.key")]
    [InlineData("operator.key")]
    public async Task A_missing_key(string name)
    {
        using var files = used.Copy();
        Delete(files, $"keys/{name}");

        await RefusesAsync(CannotRun, new NodeStart(files), name, "is missing");
    }

    [Fact]
    public async Task A_damaged_key()
    {
        using var files = used.Copy();
        await File.WriteAllTextAsync(Path.Combine(files.Data, "keys", "validator.key"), "not a key");

        await RefusesAsync(CannotRun, new NodeStart(files), "validator.key", "64 hexadecimal digits");
    }

    [Theory]
    [InlineData("chain.db")]
    [InlineData("state.db")]
    [InlineData("signer.db")]
    [InlineData("journal-pool.db")]
    [InlineData("journal-consensus.db")]
    public async Task A_database_file_that_is_garbage(string name)
    {
        using var files = used.Copy();
        await File.WriteAllBytesAsync(Path.Combine(files.Data, name), [.. Enumerable.Repeat((byte)0x5a, 20_000)]);

        await RefusesAsync(CannotRun, new NodeStart(files), name);
    }

    [Theory]
    [InlineData("chain.db")]
    [InlineData("state.db")]
    [InlineData("signer.db")]
    public async Task A_database_file_that_is_damaged_after_its_first_page(string name)
    {
        using var files = used.Copy();
        var path = Path.Combine(files.Data, name);
        var bytes = await File.ReadAllBytesAsync(path);
        bytes.AsSpan(4_096).Fill(0x5a);
        await File.WriteAllBytesAsync(path, bytes);

        await RefusesAsync(CannotRun, new NodeStart(files), "is damaged", files.Data);
    }

    [Theory]
    [InlineData("--http-port")]
    [InlineData("--grpc-port")]
    public async Task A_port_in_use(string option)
    {
        using var files = new NodeFiles();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        string[] arguments = option == "--http-port" ? ["--http-port", $"{port}", "--grpc-port", "0"] : ["--http-port", "0", "--grpc-port", $"{port}"];

        await RefusesAsync(CannotRun, new NodeStart(files) { Arguments = arguments }, $"127.0.0.1:{port}", option);

        Assert.False(Directory.Exists(files.Data), "it must not touch the folder before it has its ports");
    }

    [Fact]
    public async Task An_address_that_is_not_this_machines()
    {
        using var files = new NodeFiles();

        await RefusesAsync(CannotRun, new NodeStart(files) { Settings = "insecure-bind = true\n http.host = 203.0.113.7" }, "cannot be bound");
    }

    [Fact]
    public async Task A_second_process_on_one_data_folder()
    {
        using var files = new NodeFiles();
        await using var first = await NodeProcess.StartAsync(files);

        await RefusesAsync(CannotRun, new NodeStart(files), "another process", files.Data);

        Assert.True(await first.IsReadyAsync());
    }

    [Fact]
    public async Task A_data_folder_that_is_a_file()
    {
        using var files = new NodeFiles();
        await File.WriteAllTextAsync(files.Data, "");

        await RefusesAsync(CannotRun, new NodeStart(files), files.Data, "cannot be used");
    }

    [Fact]
    public async Task A_data_folder_without_a_name()
    {
        using var files = new NodeFiles();

        await RefusesAsync(WrongSettings, new NodeStart(files) { Data = "" }, "vivim.data", "a folder");
    }

    [Theory]
    [InlineData("grcp.port = 1", "vivim.grcp.port", "block-maker, cluster, consensus, data")]
    [InlineData("grpc.prot = 1", "vivim.grpc.prot", "host, port")]
    [InlineData("pool = 5", "vivim.pool", "pool")]
    [InlineData("data { folder = x }", "vivim.data.folder", "data")]
    [InlineData("data = [a, b]", "vivim.data", "one value")]
    [InlineData("log-level = LOUD", "vivim.log-level", "DEBUG, INFO, WARNING, ERROR")]
    [InlineData("http.port = 70000", "vivim.http.port", "0 to 65535")]
    [InlineData("http.port = -1", "vivim.http.port", "0 to 65535")]
    [InlineData("http.port = eighty", "vivim.http.port", "0 to 65535")]
    [InlineData("limits.max-message-bytes = 99999999999999999999", "vivim.limits.max-message-bytes", "65536 to 67108864")]
    [InlineData("insecure-bind = maybe", "vivim.insecure-bind", "true or false")]
    [InlineData("http.host = localhost", "vivim.http.host", "an IP address")]
    [InlineData("grpc.host = 0.0.0.0", "vivim.grpc.host", "insecure-bind = true")]
    [InlineData("grpc.host = \"::\"", "vivim.grpc.host", "insecure-bind = true")]
    [InlineData("pool.batch-delay = 5", "vivim.pool.batch-delay", "1ms to 1s")]
    [InlineData("pool.batch-delay = 0ms", "vivim.pool.batch-delay", "1ms to 1s")]
    [InlineData("pool.batch-delay = NaNs", "vivim.pool.batch-delay", "1ms to 1s")]
    [InlineData("pool.batch-delay = 1e300s", "vivim.pool.batch-delay", "1ms to 1s")]
    [InlineData("pool.max-transactions = 7", "vivim.pool.max-transactions", "8 to 10000000")]
    [InlineData("ledger.keep-blocks = -5", "vivim.ledger.keep-blocks", "0 to")]
    [InlineData("genesis.chain-id = \"two words\"", "vivim.genesis.chain-id", "letters, digits")]
    [InlineData("genesis.chain-id = xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "vivim.genesis.chain-id", "1 to 50")]
    [InlineData("genesis.block-interval = 100ms", "vivim.genesis.block-interval", "250ms to 600s")]
    [InlineData("genesis.block-interval = 40s", "vivim.genesis.empty-block-interval", "40000ms to 3600s")]
    [InlineData("genesis.quota-actions = 0", "vivim.genesis.quota-actions", "1 to 4294967295")]
    public async Task An_unknown_key_or_a_wrong_value(string line, string key, string allowed)
    {
        using var files = new NodeFiles();
        // Where the two intervals contradict each other, the one that was not set is named with the file of its default.
        var file = key.EndsWith("empty-block-interval", StringComparison.Ordinal) ? "vivim.conf" : files.PathOf("settings.conf");

        await RefusesAsync(WrongSettings, new NodeStart(files) { Settings = line, Arguments = [] }, key, allowed, file);

        Assert.False(Directory.Exists(files.Data));
    }

    [Theory]
    [InlineData("vivim { data = ${nowhere} }")]
    [InlineData("other { a = 1 }")]
    [InlineData("")]
    public async Task A_settings_file_without_settings(string content)
    {
        using var files = new NodeFiles();
        var path = files.PathOf("broken.conf");
        await File.WriteAllTextAsync(path, content);

        await RefusesAsync(WrongSettings, new NodeStart(files) { Arguments = ["--config", path] }, path);
    }

    [Fact]
    public async Task A_settings_file_that_is_not_there()
    {
        using var files = new NodeFiles();

        await RefusesAsync(WrongSettings, new NodeStart(files) { Arguments = ["--config", files.PathOf("absent.conf")] }, files.PathOf("absent.conf"));
    }

    [Fact]
    public async Task A_wrong_environment_variable()
    {
        using var files = new NodeFiles();
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["VIVIM_GRPC_PORT"] = "many" };

        await RefusesAsync(WrongSettings, new NodeStart(files) { Arguments = [], Environment = environment }, "VIVIM_GRPC_PORT", "vivim.grpc.port", "0 to 65535");
    }

    [Fact]
    public async Task A_wrong_option()
    {
        using var files = new NodeFiles();

        await RefusesAsync(WrongSettings, new NodeStart(files) { Arguments = ["--grpc-port", "many"] }, "the command line", "vivim.grpc.port", "0 to 65535");
    }

    private static GenesisFile Read(NodeFiles files) => GenesisFile.FromJson(File.ReadAllBytes(files.Genesis));

    private static void Delete(NodeFiles files, string name)
    {
        Assert.True(File.Exists(Path.Combine(files.Data, name)));
        foreach (var suffix in new[] { "", "-wal", "-shm" }) File.Delete(Path.Combine(files.Data, name + suffix));
    }

    private static async Task RefusesAsync(int code, NodeStart start, params string[] words)
    {
        var exit = await NodeProcess.RunAsync(start);

        Assert.StartsWith("vivim: ", exit.Error, StringComparison.Ordinal);
        Assert.Single(exit.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.All(words, word => Assert.Contains(word, exit.Error, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", exit.Error, StringComparison.Ordinal);
        Assert.Equal(code, exit.Code);
    }
}
