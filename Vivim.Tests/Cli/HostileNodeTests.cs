using System.CommandLine;
using System.Text.Json;
using Vivim.Cli;
using Vivim.Cli.Keys;
using Vivim.Tests.Protocol;

namespace Vivim.Tests.Cli;

/// <summary>
/// Whatever a node answers, no command prints what a terminal obeys, feigns a line or ends by an exception that nobody catches.
/// </summary>
public sealed class HostileNodeTests : IDisposable
{
    private const string Address = "akka.tcp://vivim@127.0.0.1:4053";
    private const string Id = "0101010101010101010101010101010101010101010101010101010101010101";

    /// <summary>Some commands go on asking, as they should, and are stopped.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>For those that end by themselves.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Those that ask no node.</summary>
    private static readonly string[] Local = ["key new", "key show", "key list", "backup list", "backup verify", "backup restore", "proof verify", "demo", "completion bash", "completion zsh"];

    /// <summary>Every other command, with what it needs.</summary>
    private static readonly Dictionary<string, string[]> Arguments = new()
    {
        ["id register"] = [],
        ["id show"] = [Examples.Bob.Did.ToString()],
        ["follow"] = [Examples.Bob.Did.ToString()],
        ["unfollow"] = [Examples.Bob.Did.ToString()],
        ["followers"] = [Examples.Bob.KeyDid.ToString()],
        ["status"] = [],
        ["events"] = ["--author", Examples.Bob.KeyDid.ToString()],
        ["tx show"] = [Id],
        ["block show"] = ["0"],
        ["pool senders"] = [],
        ["pool drop"] = [Examples.Bob.Did.ToString()],
        ["validators list"] = [],
        ["validators propose"] = ["--validator", Examples.Bob.KeyDid.ToString(), "--power", "1"],
        ["validators approve"] = [Examples.Bob.KeyDid.ToString(), Id],
        ["cluster show"] = [],
        ["cluster status"] = [],
        ["cluster leader"] = [],
        ["cluster leave"] = [Address],
        ["cluster down"] = [Address],
        ["cluster down-unreachable"] = [],
        ["nodes list"] = [],
        ["supervision watch"] = [],
        ["log tail"] = [],
        ["actor hierarchy"] = [],
        ["cluster-sharding region-stats"] = ["-r", "pool"],
        ["workers list"] = [],
        ["workers show"] = ["gc-local"],
        ["workers restart"] = ["gc-local"],
        ["workers crash"] = ["gc-local"],
        ["workers ping"] = ["gc-local"],
        ["workers scale"] = ["gc", "2"],
        ["workers tasks"] = ["gc-local"],
        ["workers resolve"] = ["gc-local", "task", "done"],
        ["backup create"] = [],
        ["proof follow"] = [Examples.Bob.Did.ToString(), Examples.Alice.Did.ToString()],
        ["chain verify"] = [],
        ["genesis show"] = [],
        ["load graph"] = ["--generate", "people=3,edges=3,seed=1"],
    };

    /// <summary>What they show of a node's texts as they are, where nothing else about its answer is wrong.</summary>
    private static readonly string[] Showing =
    [
        "followers", "status", "events", "validators list", "cluster show", "cluster status", "cluster leader", "cluster down", "cluster down-unreachable", "nodes list",
        "supervision watch", "log tail", "actor hierarchy", "cluster-sharding region-stats", "workers list", "workers show", "workers restart", "workers crash", "workers scale",
        "workers tasks", "workers resolve", "id show", "pool senders",
    ];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Hostility.Plausible, false)]
    [InlineData(Hostility.Plausible, true)]
    [InlineData(Hostility.Wild, false)]
    [InlineData(Hostility.Wild, true)]
    [InlineData(Hostility.Refusing, false)]
    [InlineData(Hostility.Refusing, true)]
    public async Task No_command_prints_what_a_hostile_node_would_have_the_terminal_do(Hostility hostility, bool json)
    {
        var keys = new KeyStore(folder.PathOf("keys"));
        keys.Create("me").Dispose();
        await using var node = await HostileNode.StartAsync(hostility);

        await Task.WhenAll(Commands().Except(Local).Select(async command =>
        {
            string[] line = [.. command.Split(' '), .. Arguments[command], "--key", "me", "--node", node.Address, .. json ? (string[])["--json"] : []];
            var ends = hostility == Hostility.Refusing || (hostility == Hostility.Plausible && Showing.Contains(command));
            var (exitCode, output, error) = await RunAsync(keys, line, ends ? Patience : Limit);
            AssertHarmless(command, output);
            AssertHarmless(command, error);
            if (json) Assert.All(output.Split('\n', StringSplitOptions.RemoveEmptyEntries), printed => JsonDocument.Parse(printed));
            if (hostility == Hostility.Refusing) Assert.True(exitCode == VivimCommand.Failure && Shows(error, json), $"{command} ends with {exitCode} and says {error}");
            if (hostility == Hostility.Plausible && Showing.Contains(command)) Assert.True(Shows(output, json), $"{command} shows nothing of what the node says: {output}{error}");
        }));
    }

    /// <summary>
    /// The terminal's colours are added last: what looks like a style of ours is text, and a value that is too long ends with an
    /// ellipsis.
    /// </summary>
    [Fact]
    public void A_page_shows_markup_as_text_and_cuts_what_is_too_long()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal(json: false, output, error);
        var longest = new string('x', 1_000_000);
        terminal.ShowLine("", $"{"[red]line[/]",-14}|{longest}|");
        terminal.Show("", text => text.Table(["[b]column[/]"], [["[red]cell[/]"], [(string[])["first", "second\nthird"]]]));
        terminal.Fail("REASON", $"it says: {longest}");

        var lines = output.ToString().Split('\n').Select(line => line.Trim()).ToList();
        Assert.Equal($"[red]line[/]  |{longest[..4_095]}…|", lines[0]);
        Assert.All((string[])["[b]column[/]", "[red]cell[/]", "first", "second\\u{A}third"], text => Assert.Contains(text, lines));
        Assert.InRange(error.ToString().Length, 4_096, 4_100);
    }

    private static bool Shows(string printed, bool json) => printed.Contains(json ? "\\u001B[2J" : "\\u{1B}[2J", StringComparison.Ordinal);

    private static void AssertHarmless(string command, string printed)
    {
        foreach (var line in printed.Split('\n'))
        {
            Assert.True(!ForbiddenCharacters.In(line).Any(), $"{command} prints {string.Join(", ", ForbiddenCharacters.In(line))} in: {line}");
            Assert.False(line.TrimStart().StartsWith(HostileNode.FeignedLine, StringComparison.Ordinal), $"{command} lets the node begin a line: {printed}");
        }
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(KeyStore keys, string[] line, TimeSpan time)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var limit = new CancellationTokenSource(time);
        var exitCode = await Task.Run(() => new VivimCommand(keys, output, error).RunAsync(line, limit.Token));
        return (exitCode, output.ToString(), error.ToString());
    }

    private IEnumerable<string> Commands()
    {
        var vivim = new VivimCommand(new KeyStore(folder.PathOf("keys")), TextWriter.Null, TextWriter.Null);
        return vivim.Root.Subcommands.SelectMany(command => Leaves(command, command.Name));

        static IEnumerable<string> Leaves(Command command, string path) =>
            command.Subcommands.Count == 0 ? [path] : command.Subcommands.SelectMany(below => Leaves(below, $"{path} {below.Name}"));
    }
}
