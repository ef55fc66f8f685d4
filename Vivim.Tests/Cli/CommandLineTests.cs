using System.Text.Json;
using Vivim.Cli;
using Vivim.Cli.Keys;

namespace Vivim.Tests.Cli;

/// <summary>Command lines that need no node: exit codes, the one sentence of a failure, the shape of JSON.</summary>
public sealed class CommandLineTests : IDisposable
{
    /// <summary>Nothing listens on the port that TCP reserves.</summary>
    private const string Nowhere = "http://127.0.0.1:1";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-cli-");

    public void Dispose() => folder.Delete(recursive: true);

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await new VivimCommand(new KeyStore(folder.FullName), output, error).RunAsync(arguments);
        return (exitCode, output.ToString(), error.ToString());
    }

    [Theory]
    [InlineData("bogus")]
    [InlineData("follow")]
    [InlineData("key", "--json")]
    [InlineData("status", "--node", "example.org")]
    [InlineData("events", "--from", "yesterday")]
    [InlineData("events", "--type", "LIKED")]
    [InlineData("tx", "show", "12")]
    [InlineData("block", "show", "-1")]
    [InlineData("followers", "ann", "--limit", "0")]
    [InlineData("load", "graph")]
    [InlineData("load", "graph", "file", "--generate", "people=3,edges=3")]
    [InlineData("load", "graph", "--generate", "people=3,edges=7")]
    [InlineData("proof", "verify", "file")]
    [InlineData("validators", "propose", "--power", "1")]
    [InlineData("validators", "propose", "--validator", "ann", "--power", "1")]
    [InlineData("validators", "propose", "--validator", "did:key:z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj", "--power", "-1")]
    [InlineData("validators", "approve", "ann", "12")]
    [InlineData("cluster", "leave")]
    [InlineData("cluster", "down", "--force")]
    [InlineData("log", "tail", "--since", "")]
    [InlineData("log", "tail", "--since", "4294967295h")]
    public async Task A_wrong_command_line_exits_with_2_and_names_the_help(params string[] arguments)
    {
        var (exitCode, output, error) = await RunAsync(arguments);

        Assert.Equal(2, exitCode);
        Assert.Empty(output);
        Assert.Contains("--help", Assert.Single(error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("key")]
    public async Task A_group_alone_shows_its_help(string group)
    {
        var (exitCode, output, _) = await RunAsync(group.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(0, exitCode);
        Assert.Contains("Commands:", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_node_the_user_is_told_how_to_start_one()
    {
        var (exitCode, output, error) = await RunAsync("status", "--node", Nowhere);

        Assert.Equal((1, "", $"No node answers at {Nowhere}; start one with: dotnet run --project Vivim.Gateway.\n"), (exitCode, output, error));
    }

    [Fact]
    public async Task With_json_a_failure_is_one_object_on_standard_error()
    {
        var (exitCode, output, error) = await RunAsync("events", "--json", "--node", Nowhere);

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Equal("NODE_UNREACHABLE", JsonDocument.Parse(error).RootElement.GetProperty("error").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_key_is_made_shown_and_listed()
    {
        var made = await RunAsync("key", "new", "ann", "--json");
        var shown = await RunAsync("key", "show", "ann", "--json");
        var listed = await RunAsync("key", "list", "--json");

        Assert.Equal(0, made.ExitCode);
        Assert.Equal(made, shown);
        Assert.Equal(JsonDocument.Parse(made.Output).RootElement.GetProperty("did").GetString(), JsonDocument.Parse(listed.Output).RootElement.GetProperty("keys")[0].GetProperty("did").GetString());
    }

    [Fact]
    public async Task The_operators_key_is_the_one_named_so_unless_another_is_given()
    {
        var missing = await RunAsync("cluster", "show", "--node", Nowhere, "--json");
        Assert.Equal("OPERATOR_KEY_NOT_FOUND", JsonDocument.Parse(missing.Error).RootElement.GetProperty("error").GetProperty("reason").GetString());

        await RunAsync("key", "new", "operator");
        var found = await RunAsync("cluster", "show", "--node", Nowhere, "--json");
        Assert.Equal("NODE_UNREACHABLE", JsonDocument.Parse(found.Error).RootElement.GetProperty("error").GetProperty("reason").GetString());

        var other = await RunAsync("cluster", "show", "--key", "absent", "--node", Nowhere, "--json");
        Assert.Equal("KEY_NOT_FOUND", JsonDocument.Parse(other.Error).RootElement.GetProperty("error").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_bad_graph_names_its_line()
    {
        var path = Path.Combine(folder.FullName, "graph.txt");
        await File.WriteAllTextAsync(path, "1 2\n1 2 3\n");

        var (exitCode, _, error) = await RunAsync("load", "graph", path, "--node", Nowhere);

        Assert.Equal(1, exitCode);
        Assert.Contains("line 2", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_genesis_is_refused_before_the_proof_is_looked_at()
    {
        var path = Path.Combine(folder.FullName, "not.json");
        await File.WriteAllTextAsync(path, "{}");

        var (exitCode, _, error) = await RunAsync("proof", "verify", path, "--genesis", path);

        Assert.Equal(1, exitCode);
        Assert.Contains("cannot be used as a genesis", error, StringComparison.Ordinal);
    }
}
