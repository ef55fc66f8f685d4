using System.Globalization;
using Vivim.Faults;
using Vivim.Faults.Postgres;
using Vivim.Gateway.Clustering;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;
using Vivim.Tests.Remoting;
using Vivim.Tests.Telemetry;

namespace Vivim.Tests.Gateway;

/// <summary>Runs where PostgreSQL is installed.</summary>
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute() => Skip = PostgresServer.Missing;
}

/// <summary>A PostgreSQL server, and a network of two validators prepared in it.</summary>
public sealed class PreparedNetwork : IAsyncLifetime, IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-postgres-");
    private readonly NodeFiles files = new();

    internal PostgresServer Server { get; private set; } = null!;

    internal string Network => files.PathOf("network");

    internal NodeExit Prepared { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (PostgresServer.Missing is not null) return;
        if (!OperatingSystem.IsWindows()) folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        Server = await PostgresServer.CreateAsync(folder.CreateSubdirectory("server").FullName, ["127.0.0.1"], CancellationToken.None);
        Prepared = await InitAsync(files, Network);
    }

    public async Task DisposeAsync()
    {
        if (Server is not null) await Server.DisposeAsync();
        folder.Delete(recursive: true);
    }

    public void Dispose() => files.Dispose();

    internal string Database(string? host = null, int? port = null, string? passwordFile = null) => $$"""
        database { provider = postgresql, host = "{{host ?? "127.0.0.1"}}", port = {{port ?? Server.Port}}, password-file = "{{passwordFile ?? Server.PasswordFile}}" }
        """;

    /// <summary>Prepares a network for nodes on 127.0.0.1.</summary>
    internal Task<NodeExit> InitAsync(NodeFiles own, string network, string? database = null, params string[] options) =>
        NodeProcess.RunAsync(new NodeStart(own) { Settings = $"{database ?? Database()}\ngenesis.validators = 2, cluster.seed-nodes = \"127.0.0.1:1\"", Arguments = ["init", "--network", network, .. options] });

    /// <summary>How to start a node of the cluster.</summary>
    internal NodeStart Node(NodeFiles own, string name, int port, string? database = null, string? network = null, string more = "") => new(own)
    {
        Settings = $$"""
            network = "{{network ?? Network}}"
            cluster { name = {{name}}, port = {{port}}, seed-nodes = "127.0.0.1:{{port}}", home-of = "1, 2" }
            {{database ?? Database()}}
            {{more}}
            """,
    };
}

/// <summary>A node of a cluster that cannot start says why in one sentence, ends, and disturbs no other.</summary>
[Collection(ClusterCollection.Name)]
public sealed class ClusterStartTests(PreparedNetwork prepared) : IClassFixture<PreparedNetwork>
{
    [PostgresFact]
    public async Task A_network_is_prepared_once_and_a_second_time_changes_nothing()
    {
        Assert.Equal((0, ""), (prepared.Prepared.Code, prepared.Prepared.Error));
        using var files = new NodeFiles();
        var genesis = await File.ReadAllBytesAsync(Path.Combine(prepared.Network, "genesis"));
        var rows = await prepared.Server.QueryAsync("SELECT * FROM signer ORDER BY key", CancellationToken.None);
        Assert.Equal(0, (await prepared.InitAsync(files, prepared.Network)).Code);
        Assert.Equal(genesis, await File.ReadAllBytesAsync(Path.Combine(prepared.Network, "genesis")));
        Assert.Equal(rows, await prepared.Server.QueryAsync("SELECT * FROM signer ORDER BY key", CancellationToken.None));
    }

    [PostgresFact]
    public async Task A_database_that_does_not_answer()
    {
        using var files = new NodeFiles();
        await RefusesAsync(prepared.Node(files, "node9", FreePort(), prepared.Database(port: FreePort())), "vivim.database.host", "vivim.database.port");
    }

    [PostgresFact]
    public async Task A_wrong_password()
    {
        using var files = new NodeFiles();
        var password = files.PathOf("password");
        PrivateFile.Write(password, "wrong");
        await RefusesAsync(prepared.Node(files, "node9", FreePort(), prepared.Database(passwordFile: password)), "vivim.database.user", "vivim.database.password-file");
    }

    [PostgresFact]
    public async Task A_database_or_a_folder_that_was_not_prepared()
    {
        using var files = new NodeFiles();
        await RefusesAsync(prepared.Node(files, "node9", FreePort(), network: files.PathOf("nothing")), "nothing/genesis", "`init`");
        await prepared.Server.QueryAsync("CREATE DATABASE empty", CancellationToken.None);
        // The key's row is asked for first: nothing may sign without it.
        await RefusesAsync(prepared.Node(files, "node9", FreePort(), prepared.Database() + "\ndatabase.name = empty"), "the signer row", "/empty");
    }

    [PostgresFact]
    public async Task A_database_of_another_chain()
    {
        using var files = new NodeFiles();
        var other = files.PathOf("other");
        var init = await prepared.InitAsync(files, other);
        Assert.Equal(1, init.Code);
        Assert.Contains("belongs to the chain", init.Error, StringComparison.Ordinal);
        await RefusesAsync(prepared.Node(files, "node9", FreePort(), network: other), "belongs to the chain", "vivim.network and vivim.database");
    }

    [PostgresFact]
    public async Task A_second_node_of_a_name_and_the_first_goes_on()
    {
        using var files = new NodeFiles();
        using var copy = new NodeFiles();
        await using var first = await NodeProcess.StartAsync(prepared.Node(files, "node1", FreePort()));
        await RefusesAsync(prepared.Node(copy, "node1", FreePort()), "another node runs under the name node1", "vivim.cluster.name");
        Assert.True(await first.IsReadyAsync());

        await first.KillAsync();
        // A killed node's name is free at once.
        await using var again = await NodeProcess.StartAsync(prepared.Node(copy, "node1", FreePort()));
        await again.StopAsync();
    }

    [PostgresFact]
    public async Task A_certificate_that_is_damaged_expired_or_another_authoritys()
    {
        using var files = new NodeFiles();
        using var pki = new Pki();
        var port = FreePort();
        var garbage = files.PathOf("garbage.pem");
        await File.WriteAllTextAsync(garbage, "garbage");
        await RefusesAsync(prepared.Node(files, "node9", port, more: Pki.Settings(pki.Issue("expired", TimeSpan.FromDays(-1)), pki.Authority)), "has expired at", "vivim.cluster.tls.certificate");
        using var other = new Pki();
        await RefusesAsync(prepared.Node(files, "node9", port, more: Pki.Settings(other.Issue("other", TimeSpan.FromDays(1)), pki.Authority)), "is not signed by", "vivim.cluster.tls.authority");
        await RefusesAsync(prepared.Node(files, "node9", port, more: Pki.Settings((garbage, garbage), pki.Authority)), garbage, "vivim.cluster.tls.certificate");
    }

    [PostgresFact]
    public async Task A_cluster_without_certificates_does_not_start_unless_it_is_told_to()
    {
        using var files = new NodeFiles();
        var port = FreePort();
        // `init` was told of 127.0.0.1 only.
        await RefusesAsync(prepared.Node(files, "node8", port, more: "cluster.host = \"127.0.0.2\""), "127.0.0.2.crt", "`init`", "vivim.cluster.insecure-bind");
        await using var node = await NodeProcess.StartAsync(prepared.Node(files, "node8", port, more: $"cluster {{ host = \"127.0.0.2\", seed-nodes = \"127.0.0.2:{port}\", insecure-bind = true }}"));
        await node.StopAsync();
    }

    [PostgresFact]
    public async Task Nodes_with_certificates_of_one_authority_form_a_cluster_trace_transactions_across_it_and_let_no_other_in()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        using var pki = new Pki();
        using var first = new NodeFiles();
        using var second = new NodeFiles();
        using var stranger = new NodeFiles();
        var seed = FreePort();
        await using var one = await NodeProcess.StartAsync(TracesAcrossNodes.Traced(prepared.Node(first, "node1", seed, more: Pki.Settings(pki.Issue("node1", TimeSpan.FromDays(1)), pki.Authority)), receiver));
        await using var two = await NodeProcess.StartAsync(TracesAcrossNodes.Traced(
            prepared.Node(second, "node2", FreePort(), more: Pki.Settings(pki.Issue("node2", TimeSpan.FromDays(1)), pki.Authority) + $"\ncluster.seed-nodes = \"127.0.0.1:{seed}\", cluster.home-of = \"\""), receiver));

        using var foreign = new Pki();
        await using var outside = NodeProcess.Launch(prepared.Node(stranger, "node3", FreePort(), more: Pki.Settings(foreign.Issue("node3", TimeSpan.FromDays(1)), foreign.Authority) + $"\ncluster.seed-nodes = \"127.0.0.1:{seed}\""));
        await Eventually.Async(async () => (await prepared.Server.QueryAsync("SELECT is_up FROM node WHERE name = 'node3'", CancellationToken.None)) is ["f"]);
        // Long enough for several attempts to join: node2 needed a fraction of it.
        await Task.WhenAll(Task.Delay(TimeSpan.FromSeconds(8)), TracesAcrossNodes.LeadFromTheCallToTheCommitAsync(receiver, two, "node2"));
        Assert.Equal(["f"], await prepared.Server.QueryAsync("SELECT is_up FROM node WHERE name = 'node3'", CancellationToken.None));
        Assert.Equal(["t"], await prepared.Server.QueryAsync("SELECT is_up FROM node WHERE name = 'node2'", CancellationToken.None));
        await two.StopAsync();
    }

    [PostgresFact]
    public async Task A_validator_that_is_added_gets_its_key_and_its_row()
    {
        using var files = new NodeFiles();
        var before = await CountRows();
        Assert.Equal(0, (await prepared.InitAsync(files, prepared.Network, null, "--add-validator")).Code);
        Assert.True(File.Exists(Path.Combine(prepared.Network, "keys", "validator-3.key")));
        Assert.Equal(before + 1, await CountRows());

        async Task<int> CountRows() => int.Parse(Assert.Single(await prepared.Server.QueryAsync("SELECT count(*) FROM signer", CancellationToken.None)), CultureInfo.InvariantCulture);
    }

    /// <summary>A node that stood still and goes on would else write where its replacement has deleted, and nobody would read it.</summary>
    [PostgresFact]
    public async Task A_journal_takes_no_number_below_its_highest_also_where_that_was_deleted()
    {
        const string insert = "INSERT INTO pool_journal (created, deleted, persistence_id, sequence_number, message) VALUES (0, false, 'pool-test', {0}, '')";
        await Insert(5);
        await Insert(6);
        await prepared.Server.QueryAsync("DELETE FROM pool_journal WHERE persistence_id = 'pool-test' AND sequence_number = 5", CancellationToken.None);
        Assert.Contains("another incarnation writes it", (await Assert.ThrowsAsync<FaultsException>(() => Insert(5))).Message, StringComparison.Ordinal);
        await Insert(7);

        Task Insert(int number) => prepared.Server.QueryAsync(string.Format(CultureInfo.InvariantCulture, insert, number), CancellationToken.None);
    }

    [PostgresFact]
    public async Task The_registry_tells_who_is_up_and_forgets_who_is_gone()
    {
        var database = new DatabaseSettings.PostgreSql("127.0.0.1", prepared.Server.Port, PostgresServer.Database, PostgresServer.User, await File.ReadAllTextAsync(prepared.Server.PasswordFile));
        var genesis = new NetworkFolder(prepared.Network).Read(TestSettings.Of().Genesis).Genesis;
        var lost = new List<string>();
        var first = await NodeRegistry.Register(database, Named("first", 1), genesis, lost.Add, CancellationToken.None);
        await using var second = await NodeRegistry.Register(database, Named("second", 2), genesis, lost.Add, CancellationToken.None);
        Assert.Empty(await second.OthersUp(CancellationToken.None));
        await first.MarkUp(CancellationToken.None);
        Assert.Equal([Named("first", 1).Address], await second.OthersUp(CancellationToken.None));
        await Assert.ThrowsAsync<StartException>(() => NodeRegistry.Register(database, Named("first", 3), genesis, lost.Add, CancellationToken.None));
        await first.DisposeAsync();
        Assert.Empty(await second.OthersUp(CancellationToken.None));
        Assert.Empty(lost);
    }

    private static ClusterSettings Named(string name, int port) => TestSettings.Of(
        ("network", "n"), ("database.provider", "postgresql"), ("cluster.name", name), ("cluster.port", $"{port}"), ("cluster.seed-nodes", "127.0.0.1:1")).Cluster;

    private static async Task RefusesAsync(NodeStart start, params string[] words)
    {
        var exit = await NodeProcess.RunAsync(start);
        Assert.StartsWith("vivim: ", exit.Error, StringComparison.Ordinal);
        Assert.Single(exit.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.All(words, word => Assert.Contains(word, exit.Error, StringComparison.Ordinal));
        Assert.Equal(1, exit.Code);
    }

    private static int FreePort() => PostgresServer.FreePort();
}
