using System.Collections;
using System.Globalization;
using Akka.Configuration;
using Akka.Configuration.Hocon;
using Vivim.Gateway.Configuration;
using Vivim.Protocol.Identity;
using Vivim.Tests.Protocol;

namespace Vivim.Tests.Gateway;

/// <summary>A wrong setting stops the node with one sentence that names the place, the key and what is allowed.</summary>
public sealed class SettingsTests : IDisposable
{
    private static readonly string Reference = TestSettings.ReferenceFile;
    private static readonly string Assembly = typeof(SettingsTests).Assembly.Location;

    private static readonly string Secret = PrivateFile.Write(Path.Combine(Directory.CreateTempSubdirectory("vivim-settings-").FullName, "secret"), "hidden");

    /// <summary>Every setting there is, with a value that is not the default.</summary>
    private static readonly Dictionary<string, string> Others = new()
    {
        ["data"] = "elsewhere",
        ["log-level"] = "DEBUG",
        ["http.host"] = "127.0.0.2",
        ["http.port"] = "1",
        ["grpc.host"] = "127.0.0.2",
        ["grpc.port"] = "2",
        ["limits.max-connections"] = "77",
        ["limits.max-calls"] = "77",
        ["limits.max-streams-per-connection"] = "3",
        ["limits.max-bytes-in-flight"] = "7000000",
        ["limits.max-message-bytes"] = "70000",
        ["limits.first-call-within"] = "7s",
        ["limits.stalled-after"] = "7s",
        ["insecure-bind"] = "true",
        ["operators"] = "did:key:z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj",
        ["supervision.keep-events"] = "77",
        ["pool.max-transactions"] = "800",
        ["pool.max-bytes"] = "8000000",
        ["pool.batch-delay"] = "6ms",
        ["block-maker.reap-deadline"] = "1.5s",
        ["consensus.timeout-propose"] = "2s",
        ["consensus.timeout-vote"] = "3s",
        ["consensus.timeout-per-round"] = "4s",
        ["consensus.stall-limit"] = "50s",
        ["ledger.history-memory"] = "0",
        ["ledger.keep-blocks"] = "5",
        ["genesis.chain-id"] = "vivim-else",
        ["genesis.validators"] = "4",
        ["genesis.block-interval"] = "600ms",
        ["genesis.empty-block-interval"] = "40s",
        ["genesis.quota-actions"] = "7",
        ["genesis.max-registrations"] = "8",
        ["network"] = "elsewhere",
        ["cluster.name"] = "node1",
        ["cluster.host"] = "node1",
        ["cluster.bind-host"] = "0.0.0.0",
        ["cluster.port"] = "4053",
        ["cluster.seed-nodes"] = "node1:4053, node2:4053",
        ["cluster.home-of"] = "1, 2",
        ["cluster.insecure-bind"] = "true",
        ["cluster.tls.certificate"] = Reference,
        ["cluster.tls.key"] = Reference,
        ["cluster.tls.authority"] = Reference,
        ["database.provider"] = "postgresql",
        ["database.host"] = "db",
        ["database.port"] = "5433",
        ["database.name"] = "other",
        ["database.user"] = "somebody",
        ["database.password-file"] = Secret,
        ["testing.clock-offset"] = "5s",
        ["logging.format"] = "json",
        ["logging.keep-records"] = "77",
        ["telemetry.otlp.endpoint"] = "http://127.0.0.1:4317",
        ["telemetry.otlp.protocol"] = "http",
        ["telemetry.trace-one-in"] = "7",
        ["state-sync.enabled"] = "false",
        ["state-sync.least-ahead"] = "77",
        ["state-sync.every"] = "77",
        ["state-sync.keep"] = "3",
        ["workers.statesync.priority"] = "7",
        ["workers.statesync.max-memory"] = "2000000",
        ["workers.statesync.max-cpu"] = "77",
        ["workers.statesync.timeout"] = "77s",
        ["workers.statesync.retry.attempts"] = "7",
        ["workers.statesync.retry.first-pause"] = "7s",
        ["workers.statesync.retry.longest-pause"] = "77s",
        ["workers.statesync.retry.jitter"] = "7",
        ["workers.txpool.priority"] = "7",
        ["workers.txpool.max-memory"] = "2000000",
        ["workers.txpool.max-cpu"] = "77",
        ["workers.txpool.timeout"] = "77s",
        ["workers.txpool.retry.attempts"] = "7",
        ["workers.txpool.retry.first-pause"] = "7s",
        ["workers.txpool.retry.longest-pause"] = "77s",
        ["workers.txpool.retry.jitter"] = "7",
        ["workers.blockmaker.priority"] = "7",
        ["workers.blockmaker.max-memory"] = "2000000",
        ["workers.blockmaker.max-cpu"] = "77",
        ["workers.blockmaker.timeout"] = "77s",
        ["workers.blockmaker.retry.attempts"] = "7",
        ["workers.blockmaker.retry.first-pause"] = "7s",
        ["workers.blockmaker.retry.longest-pause"] = "77s",
        ["workers.blockmaker.retry.jitter"] = "7",
        ["workers.validator.priority"] = "7",
        ["workers.validator.max-memory"] = "2000000",
        ["workers.validator.max-cpu"] = "77",
        ["workers.validator.timeout"] = "77s",
        ["workers.validator.retry.attempts"] = "7",
        ["workers.validator.retry.first-pause"] = "7s",
        ["workers.validator.retry.longest-pause"] = "77s",
        ["workers.validator.retry.jitter"] = "7",
        ["workers.backup.directory"] = "backups",
        ["workers.backup.keep"] = "3",
        ["workers.backup.verify"] = "chain",
        ["workers.backup.old-after"] = "77s",
        ["workers.backup.schedule"] = "every 5m",
        ["workers.backup.missed"] = "skip",
        ["workers.backup.priority"] = "7",
        ["workers.backup.max-memory"] = "2000000",
        ["workers.backup.max-cpu"] = "77",
        ["workers.backup.timeout"] = "77s",
        ["workers.backup.retry.attempts"] = "7",
        ["workers.backup.retry.first-pause"] = "7s",
        ["workers.backup.retry.longest-pause"] = "77s",
        ["workers.backup.retry.jitter"] = "7",
        ["workers.gc.schedule"] = "every 5m",
        ["workers.gc.missed"] = "skip",
        ["workers.gc.priority"] = "7",
        ["workers.gc.max-memory"] = "2000000",
        ["workers.gc.max-cpu"] = "77",
        ["workers.gc.timeout"] = "77s",
        ["workers.gc.retry.attempts"] = "7",
        ["workers.gc.retry.first-pause"] = "7s",
        ["workers.gc.retry.longest-pause"] = "77s",
        ["workers.gc.retry.jitter"] = "7",
    };

    /// <summary>What a setting needs beside it to be possible, or to count.</summary>
    private static string Beside(string key) => key switch
    {
        "cluster.name" => "network = n\n cluster { port = 1, seed-nodes = \"a:1\" }\n database.provider = postgresql\n ",
        "cluster.insecure-bind" => Beside("cluster.name") + "cluster.name = node1\n ",
        _ when key.StartsWith("cluster.tls", StringComparison.Ordinal) => $"cluster.tls {{ certificate = \"{Assembly}\", key = \"{Assembly}\", authority = \"{Assembly}\" }}\n ",
        _ when key.StartsWith("database.", StringComparison.Ordinal) && key != "database.provider" => "database.provider = postgresql\n ",
        _ when key.StartsWith("workers.backup.", StringComparison.Ordinal) && key != "workers.backup.directory" => "workers.backup.directory = backups\n ",
        _ => "",
    };

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-settings-");
    private readonly Dictionary<string, string> environment = [];
    private readonly Dictionary<string, string> commandLine = [];

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void The_reference_file_is_complete_and_has_nothing_else()
    {
        Read(null);
        var config = ConfigurationFactory.ParseString(File.ReadAllText(Reference));
        Assert.Equal(Others.Keys.Order(), Keys("", config.GetConfig("vivim").Root.GetObject()).Order());

        static IEnumerable<string> Keys(string prefix, HoconObject node) =>
            node.Items.SelectMany(item => item.Value.IsObject() ? Keys($"{prefix}{item.Key}.", item.Value.GetObject()) : [prefix + item.Key]);
    }

    [Fact]
    public void Every_setting_has_an_effect()
    {
        foreach (var (key, value) in Others.Where(o => o.Key != "insecure-bind"))
            Assert.NotEqual(Describe(Read(Beside(key))), Describe(Read($"{Beside(key)}{key} = \"{value}\"")));
        Assert.Equal("0.0.0.0", Read("insecure-bind = true, grpc.host = 0.0.0.0").Grpc.Host);
    }

    [Fact]
    public void Operators_are_separated_by_commas_and_perhaps_spaces()
    {
        string[] dids = ["did:key:z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj", Examples.Alice.KeyDid.ToString()];
        var operators = Read($"operators = \"{dids[0]} , {dids[1]}\"").Operators;
        Assert.All(dids, did => Assert.True(operators.Contains(Did.Parse(did))));
        Assert.False(operators.Contains(Examples.Bob.KeyDid));
        Assert.Equal(operators, Read($"operators = \"{dids[1]},{dids[0]}\"").Operators);
        Assert.Equal(Describe(Read(null)), Describe(Read("operators = \" \"")));
    }

    [Fact]
    public void The_file_is_overridden_by_the_environment_and_that_by_the_command_line()
    {
        const string file = "grpc.port = 1, http.port = 1";
        environment["VIVIM_GRPC_PORT"] = environment["VIVIM_HTTP_PORT"] = "2";
        environment["VIVIM_BLOCK_MAKER_REAP_DEADLINE"] = "20ms";
        commandLine["http.port"] = "3";
        var settings = Read(file);
        Assert.Equal((2, 3, TimeSpan.FromMilliseconds(20)), (settings.Grpc.Port, settings.Http.Port, settings.ReapDeadline));
    }

    [Theory]
    [InlineData("grpc.port", "many", "a whole number from 0 to 65535")]
    [InlineData("grpc.port", "65536", "a whole number from 0 to 65535")]
    [InlineData("grpc.port", "-1", "a whole number from 0 to 65535")]
    [InlineData("grpc.port", "8.5", "a whole number from 0 to 65535")]
    [InlineData("limits.max-message-bytes", "99999999999999999999", "a whole number from 65536 to 67108864")]
    [InlineData("workers.gc.schedule", "daily", "'every 30s' (ms, s, m, h), or 'cron MINUTE HOUR DAY MONTH WEEKDAY' in UTC")]
    [InlineData("workers.gc.schedule", "cron 61 * * * *", "'every 30s' (ms, s, m, h), or 'cron MINUTE HOUR DAY MONTH WEEKDAY' in UTC")]
    [InlineData("workers.gc.missed", "never", "run-once, skip")]
    [InlineData("workers.gc.priority", "11", "a whole number from 1 to 10")]
    [InlineData("workers.gc.retry.longest-pause", "10ms", "a duration from 1000ms to 86400s")]
    [InlineData("pool.batch-delay", "5", "a duration from 1ms to 1s")]
    [InlineData("pool.batch-delay", "5m", "a duration from 1ms to 1s")]
    [InlineData("pool.batch-delay", "0ms", "a duration from 1ms to 1s")]
    [InlineData("pool.batch-delay", "1001ms", "a duration from 1ms to 1s")]
    [InlineData("pool.batch-delay", "-1s", "a duration from 1ms to 1s")]
    [InlineData("pool.batch-delay", "NaNs", "a duration from 1ms to 1s")]
    [InlineData("pool.batch-delay", "1e300s", "a duration from 1ms to 1s")]
    [InlineData("log-level", "LOUD", "DEBUG, INFO, WARNING, ERROR")]
    [InlineData("logging.format", "xml", "text, json")]
    [InlineData("telemetry.otlp.endpoint", "collector:4317", "an address such as http://127.0.0.1:4317, or nothing")]
    [InlineData("telemetry.trace-one-in", "0", "a whole number from 1 to 1000000")]
    [InlineData("insecure-bind", "perhaps", "true or false")]
    [InlineData("http.host", "localhost", "an IP address")]
    [InlineData("cluster.seed-nodes", "node1", "host:port, separated by commas")]
    [InlineData("cluster.seed-nodes", "node1:0", "host:port, separated by commas")]
    [InlineData("cluster.home-of", "0", "numbers of validators from 1 to 100")]
    [InlineData("cluster.tls.key", "nowhere.pem", "a PEM file that can be read")]
    [InlineData("database.provider", "mysql", "sqlite, postgresql")]
    [InlineData("operators", "alice", "did:keys (Ed25519), separated by commas, or nothing")]
    [InlineData("operators", "did:key:z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj,", "did:keys (Ed25519), separated by commas, or nothing")]
    [InlineData("operators", "did:vivim:bpp6suznxqtjh3t5evbiqh7viox333sltwgdkx4gpcjx2xh3kk3nxa", "did:keys (Ed25519), separated by commas, or nothing")]
    [InlineData("http.host", "0.0.0.0", "a loopback address; set vivim.insecure-bind = true")]
    public void A_value_that_is_not_possible_is_refused_with_its_place_and_what_is_allowed(string key, string value, string allowed)
    {
        var problem = Assert.Throws<SettingsException>(() => Read($"{key} = \"{value}\"")).Message;
        Assert.StartsWith($"{OperatorFile}: vivim.{key} = \"{value}\" is not possible; allowed: {allowed}", problem);

        environment["VIVIM_" + key.ToUpperInvariant().Replace('.', '_').Replace('-', '_')] = value;
        Assert.StartsWith("the environment variable VIVIM_", Assert.Throws<SettingsException>(() => Read(null)).Message);
        commandLine[key] = value;
        Assert.StartsWith("the command line: ", Assert.Throws<SettingsException>(() => Read(null)).Message);
    }

    [Theory]
    [InlineData("data = [1, 2]", "vivim.data")]
    [InlineData("grpc.port = [1]", "vivim.grpc.port")]
    [InlineData("grpc = 8081", "vivim.grpc")]
    [InlineData("data { folder = here }", "vivim.data.folder")]
    public void A_value_of_another_kind_is_refused_with_its_key(string file, string key)
    {
        var problem = Assert.Throws<SettingsException>(() => Read(file)).Message;
        Assert.StartsWith(OperatorFile, problem);
        Assert.Contains(key, problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("colour = blue", "vivim.colour", "grpc")]
    [InlineData("grpc.prot = 1", "vivim.grpc.prot", "port")]
    [InlineData("grpc.tls.key = 1", "vivim.grpc.tls.key", "port")]
    public void An_unknown_key_is_refused_with_its_neighbours(string file, string key, string neighbour)
    {
        var problem = Assert.Throws<SettingsException>(() => Read(file)).Message;
        Assert.StartsWith($"{OperatorFile}: the key {key} is unknown; allowed here: ", problem);
        Assert.Contains(neighbour, problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("network = n, cluster { port = 1, seed-nodes = \"a:1\" }", "database.provider", "postgresql")]
    [InlineData("cluster { port = 1, seed-nodes = \"a:1\" }\ndatabase.provider = postgresql", "network", "`init`")]
    [InlineData("network = n, cluster.seed-nodes = \"a:1\", database.provider = postgresql", "cluster.port", "a port from 1")]
    [InlineData("network = n, cluster.port = 1, database.provider = postgresql", "cluster.seed-nodes", "at least one node")]
    [InlineData("cluster { insecure-bind = true, tls { certificate = c } }", "cluster.insecure-bind", "as cluster.tls is set")]
    public void A_name_in_a_cluster_needs_what_makes_one(string file, string key, string allowed)
    {
        var problem = Assert.Throws<SettingsException>(() => Read($"cluster.name = node1\n{file}")).Message;
        Assert.Contains($"vivim.{key} = ", problem, StringComparison.Ordinal);
        Assert.Contains(allowed, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void The_password_comes_from_a_file_or_the_environment_and_shows_nowhere()
    {
        var file = Path.Combine(folder.FullName, "password");
        PrivateFile.Write(file, "hidden\n");
        environment["VIVIM_DATABASE_PASSWORD"] = "other";
        var fromFile = (DatabaseSettings.PostgreSql)Read($"database {{ provider = postgresql, password-file = \"{file}\" }}").Database;
        Assert.Equal("hidden", fromFile.Password);
        Assert.Equal("other", ((DatabaseSettings.PostgreSql)Read("database.provider = postgresql").Database).Password);
        Assert.DoesNotContain("hidden", fromFile.ToString(), StringComparison.Ordinal);
        Assert.Contains("vivim.database.password-file", Assert.Throws<SettingsException>(() => Read("database { provider = postgresql, password-file = nowhere }")).Message, StringComparison.Ordinal);
    }

    [LinuxFact]
    public void A_password_that_others_can_read_is_refused_with_what_to_do()
    {
        var file = PrivateFile.Write(Path.Combine(folder.FullName, "exposed"), "hidden");
        PrivateFile.SetMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        var problem = Assert.Throws<SettingsException>(() => Read($"database {{ provider = postgresql, password-file = \"{file}\" }}")).Message;
        Assert.Contains($"chmod 600 {file}", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", problem, StringComparison.Ordinal);
    }

    [LinuxFact]
    public async Task Settings_and_secrets_are_read_from_regular_files_only_and_up_to_a_limit()
    {
        var pipe = RegularFileTests.Pipe(Path.Combine(folder.FullName, "pipe"));
        using (var large = new FileStream(Path.Combine(folder.FullName, "large"), FileMode.CreateNew)) large.SetLength(2 << 20);
        foreach (var (file, why) in (IEnumerable<(string, string)>)[("/dev/zero", "a device"), (pipe, "a pipe"), (folder.FullName, "a folder"), (Path.Combine(folder.FullName, "large"), "more than 1048576 bytes")])
        {
            var refused = await Task.Run(() => Assert.Throws<SettingsException>(() => new SettingsReader(Reference, file, _ => null, commandLine))).WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        }

        var secret = await Task.Run(() => Assert.Throws<SettingsException>(() => Read($"database {{ provider = postgresql, password-file = \"{pipe}\" }}"))).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Contains("a pipe", secret.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Intervals_that_contradict_each_other_are_refused() =>
        Assert.Contains("vivim.genesis.empty-block-interval", Assert.Throws<SettingsException>(() => Read("genesis { block-interval = 2s, empty-block-interval = 1s }")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("vivim { grpc { port = 1 }, data = x }")]
    [InlineData("akka { }")]
    [InlineData("vivim = 5")]
    public void A_file_that_is_no_settings_file_is_refused_by_name(string content)
    {
        File.WriteAllText(OperatorFile, content);
        Assert.StartsWith(OperatorFile, Assert.Throws<SettingsException>(() => new SettingsReader(Reference, OperatorFile, _ => null, commandLine)).Message);
        Assert.StartsWith("nowhere.conf", Assert.Throws<SettingsException>(() => new SettingsReader(Reference, "nowhere.conf", _ => null, commandLine)).Message);
    }

    /// <summary>A value with all its parts, as text: equality of records would take lists for equal only where they are the same.</summary>
    private static string Describe(object? value) => value switch
    {
        null => "null",
        string text => text,
        IEnumerable list => $"[{string.Join(", ", list.Cast<object?>().Select(Describe))}]",
        _ when value.GetType().GetMethod("<Clone>$") is not null => $"{value.GetType().Name}({string.Join(", ", value.GetType().GetProperties().Select(p => $"{p.Name}={Describe(p.GetValue(value))}"))})",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private string OperatorFile => Path.Combine(folder.FullName, "own.conf");

    private NodeSettings Read(string? content)
    {
        if (content is not null) File.WriteAllText(OperatorFile, $"vivim {{ {content} }}");
        return NodeSettings.From(new SettingsReader(Reference, content is null ? null : OperatorFile, environment.GetValueOrDefault, commandLine));
    }
}
