using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Vivim.Cli;
using Vivim.Cli.Keys;
using Vivim.Ledger.Backups;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Proofs;
using Vivim.Tests.Ledger;
using Vivim.Tests.Protocol;

namespace Vivim.Tests.Cli;

/// <summary>Files that a user is handed, or names by mistake: no command hangs on one, reads without end, or writes over one.</summary>
public sealed class HostileFileTests : IDisposable
{
    private const string Nowhere = "http://127.0.0.1:1";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Each command that takes a file, with FILE in its place.</summary>
    private static readonly string[] Commands =
    [
        "proof verify FILE --genesis GENESIS", "proof verify ANY --genesis FILE", "chain verify --genesis FILE", "proof follow WHO WHO --genesis FILE",
        "backup verify ANY --genesis FILE", "backup restore ANY --to NEW --genesis FILE", "load graph FILE", "cluster show --key FILE", "id register --key FILE",
    ];

    private readonly TemporaryFolder folder = new();

    public HostileFileTests() => File.WriteAllBytes(folder.PathOf("genesis"), TestChain.GenesisWith(TestChain.Parameters).ToJson());

    public void Dispose() => folder.Dispose();

    private static readonly string[] Kinds = ["device", "pipe", "folder", "large"];

    public static IEnumerable<object[]> Cases => Commands.SelectMany(command => Kinds.Select(kind => (object[])[command, kind]));

    [LinuxTheory]
    [MemberData(nameof(Cases))]
    public async Task What_is_no_regular_file_or_too_large_is_refused_at_once(string command, string kind)
    {
        var file = Make(kind);
        var line = command.Replace("FILE", file, StringComparison.Ordinal).Replace("GENESIS", folder.PathOf("genesis"), StringComparison.Ordinal)
            .Replace("ANY", folder.PathOf("absent"), StringComparison.Ordinal).Replace("NEW", folder.PathOf("new"), StringComparison.Ordinal)
            .Replace("WHO", Examples.Bob.Did.ToString(), StringComparison.Ordinal);

        var (exitCode, output, error) = await RunAsync([.. line.Split(' '), "--node", Nowhere]).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal((VivimCommand.Failure, ""), (exitCode, output));
        Assert.Contains(file, error, StringComparison.Ordinal);
        Assert.Contains(kind != "large" ? $"is a {kind}, not a regular file" : command.StartsWith("load", StringComparison.Ordinal) ? "line 1: a line has at most" : "has more than ", error, StringComparison.Ordinal);
    }

    [LinuxTheory]
    [InlineData("cluster show --key FILE")]
    [InlineData("id register --key FILE")]
    public async Task A_key_that_others_can_read_is_refused_with_what_to_do(string command)
    {
        var file = folder.PathOf("operator.key");
        using (var key = SigningKey.Generate()) key.WriteTo(file);
        PrivateFile.SetMode(file, OwnerOnly | UnixFileMode.GroupRead);

        var (exitCode, _, error) = await RunAsync([.. command.Replace("FILE", file, StringComparison.Ordinal).Split(' '), "--node", Nowhere]);

        Assert.Equal(VivimCommand.Failure, exitCode);
        Assert.Contains($"{file} has mode 0640, so that others can use it too: make it yours alone with: chmod 600 {file}", error, StringComparison.Ordinal);
    }

    [LinuxFact]
    public async Task A_key_of_the_store_that_others_can_read_is_refused()
    {
        var keys = folder.PathOf("keys");
        new KeyStore(keys).Create("ann").Dispose();
        PrivateFile.SetMode(Path.Combine(keys, "ann"), OwnerOnly | UnixFileMode.OtherRead);

        Assert.Contains("chmod 600", (await RunAsync("key", "show", "ann")).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("genesis show -o FILE")]
    [InlineData("proof follow WHO WHO -o FILE")]
    public async Task A_result_is_never_written_over_what_is_there(string command)
    {
        var file = folder.PathOf("precious.key");
        using (var key = SigningKey.Generate()) key.WriteTo(file);
        var before = await File.ReadAllBytesAsync(file);
        await using var node = await HostileNode.StartAsync(Hostility.Plausible);

        var line = command.Replace("FILE", file, StringComparison.Ordinal).Replace("WHO", Examples.Bob.Did.ToString(), StringComparison.Ordinal);
        var (exitCode, _, error) = await RunAsync([.. line.Split(' '), "--node", node.Address]);

        Assert.Equal(VivimCommand.Failure, exitCode);
        Assert.Contains($"{file} exists already", error, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(file));
    }

    [Fact]
    public async Task A_genesis_is_written_whole_to_a_new_file()
    {
        await using var node = await HostileNode.StartAsync(Hostility.Plausible);
        var file = folder.PathOf("kept");
        Assert.Equal(VivimCommand.Success, (await RunAsync("genesis", "show", "-o", file, "--node", node.Address)).ExitCode);
        Assert.Equal(await File.ReadAllBytesAsync(folder.PathOf("genesis")), await File.ReadAllBytesAsync(file));
        Assert.Equal(Encoding.UTF8.GetString(await File.ReadAllBytesAsync(file)), (await RunAsync("genesis", "show", "--node", node.Address)).Output);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_backups_manifest_says_is_printed_and_not_obeyed(bool json)
    {
        var backup = Directory.CreateDirectory(folder.PathOf("backups/one")).FullName;
        var manifest = new BackupManifest
        {
            Format = BackupManifest.CurrentFormat,
            ChainId = HostileNode.Text,
            GenesisHash = HostileNode.Text,
            Height = 1,
            BlockId = HostileNode.Text,
            StateRoot = HostileNode.Text,
            MadeAt = 1,
            MadeBy = HostileNode.Text,
            Node = HostileNode.Text,
            Key = HostileNode.Text,
            Validators = [HostileNode.Text],
            Operator = HostileNode.Text,
            NotIncluded = HostileNode.Text,
            Files = [.. ((string[])["genesis", "chain.db", "state.db"]).Select(name => new BackupFile(name, 0, HostileNode.Text))],
        }.ToJson();
        foreach (var name in (string[])["genesis", "chain.db", "state.db"]) await File.WriteAllTextAsync(Path.Combine(backup, name), "");
        await File.WriteAllBytesAsync(Path.Combine(backup, "manifest.json"), manifest);
        await File.WriteAllTextAsync(Path.Combine(backup, "manifest.sha256"), $"{Convert.ToHexStringLower(SHA256.HashData(manifest))}  manifest.json\n");

        foreach (var command in (string[][])[["backup", "list", folder.PathOf("backups")], ["backup", "verify", backup], ["backup", "verify", backup, "--genesis", folder.PathOf("genesis")]])
        {
            var (_, output, error) = await RunAsync([.. command, .. json ? (string[])["--json"] : []]);
            if (command[1] == "list") Assert.Contains(json ? "\\u001B" : "\\u{1B}", output, StringComparison.Ordinal);
            foreach (var line in (output + error).Split('\n'))
            {
                Assert.Empty(ForbiddenCharacters.In(line));
                Assert.False(line.TrimStart().StartsWith(HostileNode.FeignedLine, StringComparison.Ordinal), line);
            }
        }
    }

    [Theory]
    [InlineData("http://ann:secret@127.0.0.1:1")]
    [InlineData("https://secret@example.org")]
    public async Task A_password_in_a_nodes_address_is_refused_and_not_repeated(string address)
    {
        var (exitCode, _, error) = await RunAsync("status", "--node", address);
        Assert.Equal(VivimCommand.Usage, exitCode);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_copied_into_a_command_line_is_printed_and_not_obeyed()
    {
        foreach (var line in (string[][])[["status", HostileNode.Text], ["key", "show", HostileNode.Text], ["load", "graph", HostileNode.Text], ["events", "--type", HostileNode.Text], ["status", "--node", HostileNode.Text]])
        {
            var (exitCode, output, error) = await RunAsync(line);
            Assert.NotEqual(VivimCommand.Success, exitCode);
            foreach (var printed in (output + error).Split('\n')) Assert.Empty(ForbiddenCharacters.In(printed));
        }
    }

    private string Make(string kind)
    {
        var path = folder.PathOf(kind);
        switch (kind)
        {
            case "device":
                return "/dev/zero";
            case "pipe":
                return RegularFileTests.Pipe(path);
            case "folder":
                return Directory.CreateDirectory(path).FullName;
            default:
                return PrivateFile.Write(path, new string('\0', ProofFile.MaxSize + 1));
        }
    }

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await Task.Run(() => new VivimCommand(new KeyStore(folder.PathOf("keys")), output, error).RunAsync(arguments));
        return (exitCode, output.ToString(), error.ToString());
    }
}
