using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Vivim.Client;
using Vivim.Ledger.Backups;
using Vivim.Protocol;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim backup create|list|verify|restore</c>: the first asks a running node, the others need none.</summary>
internal static class BackupCommands
{
    private const string Worker = "backup";
    private const string Job = "create";

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    private static readonly Argument<string> Backup = new("PATH") { Description = "The folder of one backup, as 'vivim backup list' prints it" };

    private static readonly Option<bool> Quick = new("--quick") { Description = "Check hashes, databases and the state's root, but do not execute all blocks again" };

    public static Command Build(VivimCommand vivim) => new("backup", "Backups of a node's chain, state and journals; never of private keys or signers' rows")
    {
        Create(vivim),
        List(vivim),
        Verify(vivim),
        Restore(vivim),
    };

    private static Command Create(VivimCommand vivim)
    {
        var on = new Option<string?>("--on") { Description = "The name of the node to back up; not needed where only one makes backups", HelpName = "NAME" };
        return vivim.Run(new Command("create", "Have a running node make a backup now and verify it by restoring (for operators)") { on }, async (context, cancellationToken) =>
        {
            using var key = context.OpenOperatorKey();
            var operation = context.Client.OperateWorkers(key);
            var worker = context.Arguments.GetValue(on) is { } name ? $"{Worker}-{name}" : await OnlyWorkerAsync(operation, cancellationToken);
            var id = $"{Job}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
            var task = (await operation.SubmitTaskAsync(worker, id, Job, cancellationToken: cancellationToken)).Task;
            while (task.Phase is V1.TaskPhase.Intended or V1.TaskPhase.Started)
            {
                await Task.Delay(Poll, cancellationToken);
                task = (await operation.SubmitTaskAsync(worker, id, Job, cancellationToken: cancellationToken)).Task;
                // A node tries again by itself; who waits is told at once.
                if (task is { Phase: V1.TaskPhase.Intended, Outcome.Length: > 0 }) throw new CommandFailedException("BACKUP_FAILED", $"{worker}: {task.Outcome}; it tries again: vivim workers tasks {worker}");
            }

            if (task.Phase != V1.TaskPhase.Done) throw new CommandFailedException("BACKUP_FAILED", $"{worker}: {task.Outcome}");
            context.Terminal.ShowLine(new { worker, task = id, outcome = task.Outcome, seconds = (task.EndedAt - task.IntendedAt) / 1_000.0 }, $"{task.Outcome}");
            return VivimCommand.Success;
        });
    }

    private static async Task<string> OnlyWorkerAsync(WorkerOperator operation, CancellationToken cancellationToken)
    {
        var workers = (await operation.ListAsync(cancellationToken)).Workers.Where(worker => worker.Type == Worker).Select(worker => worker.Worker_).ToList();
        return workers switch
        {
            [var only] => only,
            [] => throw new CommandFailedException("BACKUP_OFF", "no node makes backups: set vivim.workers.backup.directory in the settings of one and start it again"),
            _ => throw new CommandFailedException("BACKUP_WHERE", $"name the node with --on: {string.Join(", ", workers.Select(worker => worker[(Worker.Length + 1)..]))}"),
        };
    }

    private static Command List(VivimCommand vivim)
    {
        var directory = new Argument<string>("DIRECTORY") { Description = "Where a node keeps its backups: its vivim.workers.backup.directory" };
        return vivim.Run(new Command("list", "List the whole backups in a directory, newest first") { directory }, (context, _) =>
        {
            var found = Guarded(() => BackupFolder.List(context.Arguments.GetRequiredValue(directory)));
            context.Terminal.Show(new { backups = found.Select(folder => View(folder.Manifest, folder.Path)).ToList() }, text => text.Table(
                ["height", "made at", "node", "chain", "bytes", "state root", "path"],
                found.Select(f => (string[])[
                    $"{f.Manifest.Height}", Time(f.Manifest.MadeAt), f.Manifest.Node, f.Manifest.ChainId, f.Manifest.Size.ToString("N0", CultureInfo.InvariantCulture), Short(f.Manifest.StateRoot), f.Path])));
            return Task.FromResult(VivimCommand.Success);
        });
    }

    private static Command Verify(VivimCommand vivim)
    {
        var trusted = GenesisCommand.Trusted();
        return vivim.Run(new Command("verify", "Restore a backup into a temporary folder, execute its chain again and compare the state") { Backup, trusted, Quick }, (context, cancellationToken) =>
            UseAsync(context, trusted, (restore, path) =>
            {
                var temporary = Directory.CreateTempSubdirectory("vivim-verify-");
                try
                {
                    return restore.Verify(path, temporary.FullName, cancellationToken);
                }
                finally
                {
                    temporary.Delete(recursive: true);
                }
            }, null, cancellationToken));
    }

    private static Command Restore(VivimCommand vivim)
    {
        var trusted = GenesisCommand.Trusted();
        var to = new Option<string>("--to") { Description = "The data folder to make; it must not exist yet, or be empty", HelpName = "FOLDER", Required = true };
        return vivim.Run(new Command("restore", "Restore a backup, verified, as the data folder of a node that is not running") { Backup, to, trusted, Quick }, (context, cancellationToken) =>
        {
            var target = context.Arguments.GetRequiredValue(to);
            return UseAsync(context, trusted, (restore, path) => restore.Restore(path, target, cancellationToken), target, cancellationToken);
        });
    }

    private static async Task<int> UseAsync(CommandContext context, Option<FileInfo?> trusted, Func<BackupRestore, string, RestoredBackup> use, string? target, CancellationToken cancellationToken)
    {
        var genesis = context.Arguments.GetValue(trusted) is { } file ? GenesisCommand.Read(file) : null;
        if (genesis is null) context.Terminal.Remark($"Using the backup's own genesis; to trust nobody, name one with --genesis FILE.");
        var (path, check) = (context.Arguments.GetRequiredValue(Backup), context.Arguments.GetValue(Quick) ? BackupCheck.Restore : BackupCheck.Chain);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var found = await ProgressBars.RunAsync(context.Terminal, report => Task.Run(
            () => Guarded(() => use(new BackupRestore(check, genesis, (done, of) => report("blocks", (long)done, (long)of)), path)), cancellationToken));
        var (manifest, seconds) = (found.Manifest, Math.Round(clock.Elapsed.TotalSeconds, 3));
        var view = new { backup = View(manifest, path), restoredTo = target, genesisFrom = genesis is null ? "backup" : "file", executedBlocks = found.Executed, transactions = found.Transactions, stateKeys = found.StateKeys, seconds };
        (string, object?)[] fields =
        [
            ("backup", path), ("chain", manifest.ChainId), ("height", manifest.Height), ("block", manifest.BlockId), ("state root", $"{manifest.StateRoot} (the same)"),
            ("executed", check == BackupCheck.Chain ? $"{found.Executed} blocks, {found.Transactions} transactions" : "nothing, as asked"), ("state", $"{found.StateKeys} keys"), ("seconds", seconds),
            ("not included", manifest.NotIncluded),
        ];
        context.Terminal.Show(view, target is null ? fields : [.. fields, ("restored to", target)]);
        if (target is not null) context.Terminal.Remark($"The node started with this folder signs nothing with a key that has no signer row: see docs/operations.md, \"Back up and restore a node\".");
        return VivimCommand.Success;
    }

    private static string Short(string root) => root.Length > 12 ? root[..12] : root;

    private static T Guarded<T>(Func<T> use)
    {
        try
        {
            return use();
        }
        catch (BackupException e)
        {
            throw new CommandFailedException(UpperSnakeCase.Of(e.Problem.ToString()), e.Message, e);
        }
    }

    private static object View(BackupManifest manifest, string path) => new
    {
        path,
        chainId = manifest.ChainId,
        genesisHash = manifest.GenesisHash,
        height = manifest.Height,
        blockId = manifest.BlockId,
        stateRoot = manifest.StateRoot,
        node = manifest.Node,
        madeAt = manifest.MadeAt,
        madeBy = manifest.MadeBy,
        validators = manifest.Validators,
        @operator = manifest.Operator,
        notIncluded = manifest.NotIncluded,
        bytes = manifest.Size,
        files = manifest.Files.Select(file => new { name = file.Name, size = file.Size, sha256 = file.Sha256 }).ToList(),
    };

    private static string Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
