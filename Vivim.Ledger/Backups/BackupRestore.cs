using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Vivim.Ledger.Execution;
using Vivim.Ledger.Storage;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;

namespace Vivim.Ledger.Backups;

/// <summary>How far the content of a restored backup is checked. Hashes, databases, and that the state has the root of the manifest always are.</summary>
public enum BackupCheck
{
    /// <summary>The databases are opened as a node does, which computes the state's tree anew.</summary>
    Restore,

    /// <summary>Every block is executed again from the genesis, too, with all certificates and signatures.</summary>
    Chain,
}

/// <summary>What was restored, and found to be as the manifest states.</summary>
/// <param name="Executed">Blocks that were executed again.</param>
/// <param name="Transactions">Transactions in these.</param>
/// <param name="StateKeys">Keys in the state.</param>
public sealed record RestoredBackup(BackupManifest Manifest, ulong Executed, long Transactions, long StateKeys);

/// <summary>Restores a backup into a new folder, checking all of it on the way. To verify one is to restore it into a folder that is then thrown away.</summary>
/// <param name="trusted">The genesis that the backup must have; null to take its own.</param>
/// <param name="report">Told of blocks executed, and how many there are.</param>
public sealed class BackupRestore(BackupCheck check, GenesisFile? trusted = null, Action<ulong, ulong>? report = null)
{
    /// <summary>The end of the name of a folder that is being filled.</summary>
    internal const string Unfinished = ".restoring";

    /// <summary>The table of signers' rows, wherever one is kept.</summary>
    private const string SignerTable = "signer";

    private const int Buffer = 1 << 20;

    /// <summary>Restores a backup and throws it away.</summary>
    /// <param name="folder">Where there is room for it for a while.</param>
    /// <exception cref="BackupException">It would not be a node's data again.</exception>
    public RestoredBackup Verify(string backup, string folder, CancellationToken cancellationToken)
    {
        var source = Trusted(BackupFolder.Open(backup));
        var target = Path.Combine(folder, $".{Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(backup)))}{Unfinished}");
        try
        {
            return Fill(source, target, cancellationToken);
        }
        finally
        {
            Drop(target);
        }
    }

    /// <summary>Restores a backup; the folder is there, whole and durable, when this returns, and not at all when it throws.</summary>
    /// <param name="target">A folder that does not exist, or is empty.</param>
    /// <exception cref="BackupException">The backup cannot be restored, or something is in the target.</exception>
    public RestoredBackup Restore(string backup, string target, CancellationToken cancellationToken)
    {
        var source = Trusted(BackupFolder.Open(backup));
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        RequireEmpty(full);
        var unfinished = full + Unfinished;
        try
        {
            var restored = Fill(source, unfinished, cancellationToken);
            Guarded(full, () =>
            {
                // Last, so that a folder without it is not taken for a restored one.
                File.WriteAllBytes(Path.Combine(unfinished, BackupFolder.RestoredMark), source.ManifestJson);
                foreach (var file in Directory.GetFiles(unfinished)) DurableFile.Sync(file);
                DurableFile.SyncFolder(unfinished);
                if (Directory.Exists(full)) Directory.Delete(full);
                Directory.Move(unfinished, full);
                DurableFile.SyncFolder(Path.GetDirectoryName(full)!);
            });
            return restored;
        }
        finally
        {
            Drop(unfinished);
        }
    }

    private static void RequireEmpty(string target)
    {
        if (File.Exists(target)) throw new BackupException(BackupProblem.TargetNotEmpty, $"{target} is a file: name a folder that does not exist yet");
        if (!Directory.Exists(target) || !Directory.EnumerateFileSystemEntries(target).Any()) return;
        var isNodes = File.Exists(Path.Combine(target, "LOCK"));
        throw new BackupException(BackupProblem.TargetNotEmpty, $"{target} is not empty{(isNodes ? " but a node's data folder" : "")}: nothing is restored over what is there; name a folder that does not exist yet{(isNodes ? ", stop the node, and start it with that one" : "")}");
    }

    private static void Drop(string folder)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    private static void Guarded(string folder, Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BackupException(BackupProblem.FolderUnusable, $"the backup cannot be restored into {folder}: {e.Message.TrimEnd('.')}; make room there, or name another folder", e);
        }
    }

    private BackupFolder Trusted(BackupFolder source)
    {
        if (trusted is not null && trusted.Hash.ToString() != source.Manifest.GenesisHash)
            throw new BackupException(BackupProblem.WrongNetwork, $"{source.Path} is a backup of the chain {source.Manifest.ChainId} with the genesis {source.Manifest.GenesisHash}, the genesis given is {trusted.ChainId} {trusted.Hash}: use a backup of that network");
        return source;
    }

    private RestoredBackup Fill(BackupFolder source, string target, CancellationToken cancellationToken)
    {
        Guarded(target, () =>
        {
            Drop(target);
            Directory.CreateDirectory(target);
            foreach (var file in source.Manifest.Files) Copy(source, file, target, cancellationToken);
        });
        foreach (var file in source.Manifest.Files.Where(file => file.Name.EndsWith(".db", StringComparison.Ordinal))) RequireSound(source, file, target);
        try
        {
            return CheckChain(source, target, cancellationToken);
        }
        catch (Exception e) when (e is LedgerMismatchException or InvalidBlockException or RulesVersionUnknownException or InvalidDataException or MalformedException or SqliteException)
        {
            throw new BackupException(BackupProblem.BackupMismatch, $"{source.Path} does not amount to a chain: {e.Message.TrimEnd('.')}; use another backup", e);
        }
    }

    private static void Copy(BackupFolder source, BackupFile file, string target, CancellationToken cancellationToken)
    {
        using var from = RegularFile.Open(Path.Combine(source.Path, file.Name));
        if (from.Length != file.Size) throw source.Damaged(file.Name, $"it has {from.Length} bytes, not {file.Size}");
        using var to = new FileStream(Path.Combine(target, file.Name), FileMode.CreateNew, FileAccess.Write);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[Buffer];
        for (int read; (read = from.Read(buffer)) > 0;)
        {
            if (to.Length + read > file.Size) throw source.Damaged(file.Name, "it grows while it is read");
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, read);
            to.Write(buffer, 0, read);
        }

        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != file.Sha256) throw source.Damaged(file.Name, "it does not have the hash that the manifest states");
    }

    private static void RequireSound(BackupFolder source, BackupFile file, string target)
    {
        try
        {
            using var connection = SqliteDatabase.OpenReader(Path.Combine(target, file.Name));
            using var tables = connection.Statement("SELECT count(*) FROM sqlite_master WHERE name = $0", 1).With(SignerTable);
            if (tables.ExecuteScalar() is not 0L) throw new BackupException(BackupProblem.BackupForbidden, $"{Path.Combine(source.Path, file.Name)} has a table of signers' rows, which no backup may hold: an old row lets a key sign twice; use another backup");
            using var check = connection.Statement("PRAGMA integrity_check(1)", 0);
            if (check.ExecuteScalar() is not "ok" and var problem) throw source.Damaged(file.Name, $"{problem}");
        }
        catch (SqliteException e)
        {
            throw source.Damaged(file.Name, e.Message.TrimEnd('.'), e);
        }
    }

    private RestoredBackup CheckChain(BackupFolder source, string target, CancellationToken cancellationToken)
    {
        var stated = source.Manifest;
        var genesis = GenesisFile.FromJson(RegularFile.Read(Path.Combine(target, BackupFolder.Genesis), GenesisFile.MaxSize));
        Require("genesis", genesis.Hash.ToString(), stated.GenesisHash);
        Require("chain", genesis.ChainId, stated.ChainId);
        using var chain = new SqliteChainStore(Path.Combine(target, BackupFolder.Chain));
        using var values = new SqliteStateStore(Path.Combine(target, BackupFolder.State));
        var ledger = new NodeLedger(genesis, chain, values, Ed25519Scheme.Instance, historyBudget: 0);
        Require("height", $"{ledger.Tip.Height}", $"{stated.Height}");
        Require("block", ledger.Tip.BlockId.ToString(), stated.BlockId);
        Require("state root", ledger.Tip.StateRoot.ToString(), stated.StateRoot);
        return check == BackupCheck.Chain
            ? Execute(genesis, chain, stated, cancellationToken)
            : new RestoredBackup(stated, 0, 0, ledger.KeyCount);
    }

    /// <summary>Whoever executes the blocks again must find the receipts and events that are kept, and the state.</summary>
    private RestoredBackup Execute(GenesisFile genesis, SqliteChainStore chain, BackupManifest stated, CancellationToken cancellationToken)
    {
        var (oldest, _) = chain.Heights();
        if (oldest > 1) throw new LedgerMismatchException($"its blocks begin at height {oldest}, as the node kept no older ones, and cannot be executed from the genesis: check it with --quick");
        var verifier = new ChainVerifier(genesis);
        var transactions = 0L;
        for (var height = 1UL; height <= stated.Height; height++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var record = chain.Read(height) ?? throw new LedgerMismatchException($"block {height} is missing");
            var result = verifier.Add(Block.FromBytes(record.Block), CommitCertificate.FromBytes(record.Certificate));
            if (!StoredReceipts.Decode(record.Receipts).SequenceEqual(result.Receipts)) throw new LedgerMismatchException($"the receipts of block {height} are not those of its execution");
            if (!StoredEvents.Decode(record.Events).SequenceEqual(result.Events)) throw new LedgerMismatchException($"the events of block {height} are not those of its execution");
            transactions += result.Receipts.Count;
            report?.Invoke(height, stated.Height);
        }

        Require("state root by execution", verifier.StateRoot.ToString(), stated.StateRoot);
        return new RestoredBackup(stated, verifier.Height, transactions, verifier.KeyCount);
    }

    private static void Require(string what, string found, string stated)
    {
        if (found != stated) throw new LedgerMismatchException($"the {what} is {found}, the manifest states {stated}");
    }
}
