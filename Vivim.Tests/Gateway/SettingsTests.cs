using Akka.Configuration;
using Akka.Configuration.Hocon;
using Vivim.Gateway.Configuration;
using Vivim.Protocol.Identity;
using Vivim.Tests.Protocol;

namespace Vivim.Tests.Gateway;

/// <summary>A wrong setting stops the node with one sentence that names the place, the key and what is allowed.</summary>
public sealed class SettingsTests : IDisposable
{
    private static readonly string Reference = Path.Combine(AppContext.BaseDirectory, "hocon", "vivim.conf");

    /// <summary>Every setting there is, with a value that is not the default.</summary>
    private static readonly Dictionary<string, string> Others = new()
    {
        ["data"] = "elsewhere",
        ["log-level"] = "DEBUG",
        ["http.host"] = "127.0.0.2",
        ["http.port"] = "1",
        ["grpc.host"] = "127.0.0.2",
        ["grpc.port"] = "2",
        ["grpc.max-message-size"] = "70000",
        ["grpc.max-streams-per-connection"] = "3",
        ["grpc.max-connections"] = "4",
        ["insecure-bind"] = "true",
        ["operators"] = "did:key:z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj",
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
        var defaults = Read(null);
        foreach (var (key, value) in Others.Where(o => o.Key != "insecure-bind")) Assert.NotEqual(defaults, Read($"{key} = \"{value}\""));
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
        Assert.Equal(Read(null), Read("operators = \" \""));
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
    [InlineData("grpc.max-message-size", "99999999999999999999", "a whole number from 65536 to 67108864")]
    [InlineData("pool.batch-delay", "5", "a duration from 1ms to 1s")]
    [InlineData("pool.batch-delay", "5m", "a duration from 1ms to 1s")]
    [InlineData("pool.batch-delay", "0ms", "a duration from 1ms to 1s")]
    [InlineData("pool.batch-delay", "1001ms", "a duration from 1ms to 1s")]
    [InlineData("pool.batch-delay", "-1s", "a duration from 1ms to 1s")]
    [InlineData("pool.batch-delay", "NaNs", "a duration from 1ms to 1s")]
    [InlineData("pool.batch-delay", "1e300s", "a duration from 1ms to 1s")]
    [InlineData("log-level", "LOUD", "DEBUG, INFO, WARNING, ERROR")]
    [InlineData("insecure-bind", "perhaps", "true or false")]
    [InlineData("http.host", "localhost", "an IP address")]
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
    [InlineData("grpc.prot = 1", "vivim.grpc.prot", "max-message-size")]
    [InlineData("grpc.tls.key = 1", "vivim.grpc.tls.key", "max-message-size")]
    public void An_unknown_key_is_refused_with_its_neighbours(string file, string key, string neighbour)
    {
        var problem = Assert.Throws<SettingsException>(() => Read(file)).Message;
        Assert.StartsWith($"{OperatorFile}: the key {key} is unknown; allowed here: ", problem);
        Assert.Contains(neighbour, problem, StringComparison.Ordinal);
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

    private string OperatorFile => Path.Combine(folder.FullName, "own.conf");

    private NodeSettings Read(string? content)
    {
        if (content is not null) File.WriteAllText(OperatorFile, $"vivim {{ {content} }}");
        return NodeSettings.From(new SettingsReader(Reference, content is null ? null : OperatorFile, environment.GetValueOrDefault, commandLine));
    }
}
