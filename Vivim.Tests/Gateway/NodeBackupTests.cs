using System.Text;
using System.Text.Json;
using Vivim.Chain.Consensus;
using Vivim.Cli;
using Vivim.Cli.Keys;
using Vivim.Ledger.Backups;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>Backups of a real node, made and restored from the command line.</summary>
[Collection(NodeCollection.Name)]
public sealed class NodeBackupTests : IDisposable
{
    private readonly NodeFiles files = new();

    private string Backups => files.PathOf("backups");

    private string Kept => files.PathOf("kept");

    private string SignerDatabase => Path.Combine(files.Data, "signer.db");

    public void Dispose() => files.Dispose();

    [Fact]
    public async Task A_node_backed_up_under_load_wiped_and_restored_has_the_same_root_and_signs_nothing()
    {
        List<Hash256> acknowledged;
        GenesisFile genesis;
        JsonElement made;
        await using (var node = await StartAsync())
        {
            genesis = GenesisFile.FromJson(await File.ReadAllBytesAsync(files.Genesis));
            using var load = await FollowLoad.PrepareAsync(node, people: 8, each: 250);
            var some = load.ReachedAsync(500);
            var sending = load.SendAsync(node);
            await some;
            acknowledged = [.. load.Transactions.Take(500).Select(t => t.Key)];
            await RunAsync(node, "backup", "create");
            await sending;
            await load.FinishAsync(node);
            // Two heights more at least, which only the row knows of when the rest is gone.
            for (var more = 0; more < 2; more++) (await TestPerson.RegisteredAsync(node)).Dispose();
            await node.StopAsync();
        }

        made = (await RunAsync(null, "backup", "list", Backups)).GetProperty("backups").EnumerateArray().Single();
        var path = Text(made, "path");
        MustHoldNoSecrets(path);
        Keep();
        Directory.Delete(files.Data, recursive: true);

        var verified = await RunAsync(null, "backup", "verify", path, "--genesis", files.PathOf("kept/genesis"));
        Assert.Equal(made.GetProperty("height").GetUInt64(), verified.GetProperty("executedBlocks").GetUInt64());
        await RunAsync(null, "backup", "restore", path, "--to", files.Data);
        Assert.Contains("TARGET_NOT_EMPTY", await FailAsync("backup", "restore", path, "--to", files.Data), StringComparison.Ordinal);

        // As it was restored: it has no validator's key.
        await using (var restored = await StartAsync())
        {
            await IsAsBackedUpAsync(restored, made, genesis);
            foreach (var id in acknowledged) Assert.NotEqual(V1.TransactionState.Unspecified, (await restored.Client.GetTransactionAsync(id)).State);
            await restored.StopAsync();
        }

        // With its key, and no row of it: the same. It would be the proposer of every height.
        File.Copy(Path.Combine(Kept, "keys", "validator.key"), Path.Combine(files.Data, "keys", "validator.key"));
        await using (var keyed = await StartAsync())
        {
            await IsAsBackedUpAsync(keyed, made, genesis);
            Assert.Empty((await RunAsync(keyed, "nodes", "list")).GetProperty("nodes")[0].GetProperty("validators").EnumerateArray());
            await keyed.StopAsync();
        }

        using (var key = SigningKey.ReadFrom(Path.Combine(Kept, "keys", "validator.key")))
        using (var signers = new SqliteSignerStore(SignerDatabase)) Assert.Null(signers.Load(key.PublicKey));

        // With the row of the stop, which knows of blocks that the backup lacks: it refuses.
        File.Copy(Path.Combine(Kept, "signer.db"), SignerDatabase, overwrite: true);
        var exit = await NodeProcess.RunAsync(new NodeStart(files) { Settings = Settings() });
        Assert.Equal(1, exit.Code);
        Assert.Contains("has signed at height", exit.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_the_row_of_the_stop_a_restored_chain_goes_on()
    {
        var idle = Settings("genesis.empty-block-interval = 600s");
        V1.GetStatusResponse before;
        await using (var node = await NodeProcess.StartAsync(files, idle))
        {
            using var first = await TestPerson.RegisteredAsync(node);
            await Eventually.Async(async () => (await node.Client.GetStatusAsync()) is var status && status.CertifiedStateRoot == status.StateRoot);
            await RunAsync(node, "backup", "create");
            before = await node.Client.GetStatusAsync();
            await node.StopAsync();
        }

        Keep();
        Directory.Delete(files.Data, recursive: true);
        await RunAsync(null, "backup", "restore", new BackupDirectory(Backups, before.ChainId, "local").List()[0].Path, "--to", files.Data);
        Directory.Move(Path.Combine(Kept, "keys"), Path.Combine(files.Data, "keys"));
        File.Move(Path.Combine(Kept, "signer.db"), SignerDatabase);

        await using var restored = await NodeProcess.StartAsync(files, idle);
        var status = await restored.Client.GetStatusAsync();
        Assert.Equal((before.Height, before.StateRoot, before.BlockId), (status.Height, status.StateRoot, status.BlockId));
        using var more = await TestPerson.RegisteredAsync(restored);
        Assert.True((await restored.Client.GetStatusAsync()).Height > before.Height);
        await DownloadedChain.VerifyAsync(restored, GenesisFile.FromJson(await File.ReadAllBytesAsync(files.Genesis)));
    }

    [Fact]
    public async Task Killed_in_the_middle_it_makes_one_whole_backup_and_the_schedule_keeps_as_many_as_it_may()
    {
        const string often = "workers.backup { schedule = \"every 300ms\", keep = 2, verify = chain }";
        for (var kill = 0; kill < 3; kill++)
        {
            await using var node = await NodeProcess.StartAsync(files, Settings(often));
            using var person = await TestPerson.RegisteredAsync(node);
            await Eventually.Async(() => Task.FromResult(Directory.Exists(Backups) && Directory.GetDirectories(Backups, "*.partial").Length + Directory.GetDirectories(Backups, ".*.restoring").Length > 0), "a backup is under way");
            await node.KillAsync();
            foreach (var folder in BackupFolder.List(Backups)) await RunAsync(null, "backup", "verify", folder.Path);
            foreach (var folder in Directory.GetDirectories(Backups, "*.partial").Where(p => !File.Exists(Path.Combine(p, BackupFolder.ManifestFile)))) Assert.Contains("BACKUP_INCOMPLETE", await FailAsync("backup", "verify", folder), StringComparison.Ordinal);
        }

        await using var last = await NodeProcess.StartAsync(files, Settings(often));
        await Eventually.Async(async () => await DoneAsync(last) >= 5);
        await Eventually.Async(() => Task.FromResult(BackupFolder.List(Backups).Count == 2));
        using var http = new HttpClient();
        await Eventually.Async(async () => (await http.GetStringAsync(new Uri(last.Http, "metrics"))).Contains("vivim_backup_age_seconds", StringComparison.Ordinal));
        await last.StopAsync();
        Assert.Equal(2, BackupFolder.List(Backups).DistinctBy(folder => folder.Manifest.Key).Count());
    }

    [Fact]
    public async Task Without_a_directory_there_is_no_such_worker_and_with_one_that_cannot_be_written_it_says_so()
    {
        await using (var off = await NodeProcess.StartAsync(files))
        {
            Assert.Contains("BACKUP_OFF", await FailAsync(off, "backup", "create"), StringComparison.Ordinal);
            await off.StopAsync();
        }

        await File.WriteAllTextAsync(Backups, "a file");
        await using var node = await StartAsync();
        await Eventually.Async(async () => (await RunAsync(node, "workers", "list")).GetProperty("workers").EnumerateArray().Any(worker => Text(worker, "worker") == "backup-local" && Text(worker, "note").Contains("cannot be used", StringComparison.Ordinal)));
        Assert.True(await node.IsReadyAsync());
    }

    private static string Text(JsonElement element, string property) => element.GetProperty(property).GetString() ?? "";

    private static async Task IsAsBackedUpAsync(NodeProcess node, JsonElement made, GenesisFile genesis)
    {
        var status = await node.Client.GetStatusAsync();
        Assert.Equal((made.GetProperty("height").GetUInt64(), Text(made, "stateRoot"), Text(made, "blockId")), (status.Height, status.StateRoot, status.BlockId));
        await DownloadedChain.VerifyAsync(node, genesis);
    }

    private string Settings(string more = "") => $"genesis.block-interval = 250ms\n workers.backup.directory = \"{Backups}\"\n {more}";

    private Task<NodeProcess> StartAsync() => NodeProcess.StartAsync(files, Settings());

    /// <summary>What an operator keeps beside the backups: keys and genesis; and, which no backup replaces, the rows as they were at the stop.</summary>
    private void Keep()
    {
        Directory.CreateDirectory(Kept);
        Directory.Move(Path.Combine(files.Data, "keys"), Path.Combine(Kept, "keys"));
        foreach (var file in new[] { "genesis", "signer.db" }) File.Move(Path.Combine(files.Data, file), Path.Combine(Kept, file));
    }

    /// <summary>Neither the row nor its table nor a private key is in any byte of it.</summary>
    private void MustHoldNoSecrets(string backup)
    {
        var secrets = new List<byte[]> { "CREATE TABLE signer"u8.ToArray(), "CREATE TABLE IF NOT EXISTS signer"u8.ToArray() };
        foreach (var name in new[] { "validator.key", "operator.key" })
        {
            var seed = File.ReadAllText(Path.Combine(files.Data, "keys", name)).Trim();
            secrets.AddRange([Encoding.ASCII.GetBytes(seed), Convert.FromHexString(seed)]);
        }

        using (var key = SigningKey.ReadFrom(Path.Combine(files.Data, "keys", "validator.key")))
        using (var signers = new SqliteSignerStore(SignerDatabase)) secrets.Add(signers.Load(key.PublicKey)!.ToBytes());
        foreach (var file in Directory.GetFiles(backup))
        {
            var bytes = File.ReadAllBytes(file);
            Assert.All(secrets, secret => Assert.True(bytes.AsSpan().IndexOf(secret) < 0, $"{file} holds a secret of {secret.Length} bytes"));
        }
    }

    private async Task<long> DoneAsync(NodeProcess node)
    {
        var worker = (await RunAsync(node, "workers", "list")).GetProperty("workers").EnumerateArray().First(w => Text(w, "worker") == "backup-local");
        return worker.GetProperty("answered").GetBoolean() ? worker.GetProperty("metrics").GetProperty("done").GetInt64() : 0;
    }

    private async Task<JsonElement> RunAsync(NodeProcess? node, params string[] command)
    {
        var (exitCode, output, error) = await CommandAsync(node, command);
        Assert.True(exitCode == VivimCommand.Success, $"{string.Join(' ', command)}: {error}");
        return JsonDocument.Parse(output).RootElement;
    }

    private Task<string> FailAsync(params string[] command) => FailAsync(null, command);

    private async Task<string> FailAsync(NodeProcess? node, params string[] command)
    {
        var (exitCode, _, error) = await CommandAsync(node, command);
        Assert.Equal(VivimCommand.Failure, exitCode);
        return error;
    }

    private async Task<(int ExitCode, string Output, string Error)> CommandAsync(NodeProcess? node, string[] command)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        string[] to = node is null ? [] : ["--node", node.Grpc.OriginalString, "--key", Path.Combine(files.Data, "keys", "operator.key")];
        var exitCode = await new VivimCommand(new KeyStore(files.PathOf("cli-keys")), output, error).RunAsync([.. command, .. to, "--json"]);
        return (exitCode, output.ToString(), error.ToString());
    }
}
