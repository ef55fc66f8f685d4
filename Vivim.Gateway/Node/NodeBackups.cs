using Akka.Actor;
using Vivim.Chain.Ledger;
using Vivim.Gateway.Configuration;
using Vivim.Ledger.Backups;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol.Identity;

namespace Vivim.Gateway.Node;

/// <summary>What of a node goes into its backups.</summary>
/// <param name="Journals">Paths of the journals, by their names in a backup; none where they are in the database of the cluster.</param>
/// <param name="NotIncluded">What does not; a sentence for people.</param>
internal sealed record BackupSource(string Genesis, string Chain, string State, IReadOnlyDictionary<string, string> Journals, string NotIncluded)
{
    private static readonly string[] Groups = ["pool", "consensus"];

    /// <summary>
    /// The journal of tasks stays out: a task that is open in it may have been done since, and must not be done again. Signers' rows
    /// and private keys always stay out.
    /// </summary>
    public static BackupSource Of(NodeSettings settings, NodeFolder folder) => new(
        new NetworkFolder(settings.Network).GenesisFilePath,
        folder.ChainDatabase,
        folder.StateDatabase,
        settings.Database is DatabaseSettings.PostgreSql
            ? new Dictionary<string, string>(StringComparer.Ordinal)
            : Groups.ToDictionary(group => Path.GetFileName(folder.JournalDatabase(group)), folder.JournalDatabase, StringComparer.Ordinal),
        settings.Database is DatabaseSettings.PostgreSql shared
            ? $"private keys, which are in {Path.GetFullPath(settings.Network)}; signers' rows, which are never restored; the journals in the database {shared.Place}, which it backs up itself: pg_dump --clean --if-exists --exclude-table=signer --exclude-table-data='tasks_journal*' -f vivim.sql {shared.Name}"
            : $"private keys, which are in {Path.Combine(Path.GetFullPath(settings.Network), "keys")}; signers' rows, which are never restored; the workers' tasks, which could be done twice");
}

/// <summary>
/// Makes the backups of a running node. What of it belongs together is taken at one moment; the node goes on meanwhile.
/// </summary>
internal sealed class NodeBackups(BackupSettings settings, BackupSource source, string node, Network network, IActorRef ledger, TimeProvider clock)
{
    private readonly long since = clock.GetUtcNow().ToUnixTimeMilliseconds();

    public BackupSettings Settings => settings;

    /// <summary>Where they are.</summary>
    public BackupDirectory Directory { get; } = new(settings.Directory, network.Genesis.ChainId, node);

    /// <summary>Makes a backup, restores it to verify it, and deletes what is older than the ones to keep. The same key again finds the same backup.</summary>
    /// <exception cref="BackupException">It cannot be made, or not be restored; then it is gone again.</exception>
    public async Task<BackupFolder> Make(string key, CancellationToken cancellation)
    {
        Directory.RequireWritable();
        var folder = Directory.List().FirstOrDefault(known => known.Manifest.Key == key) ?? await Write(key, cancellation);
        try
        {
            new BackupRestore(settings.Check, network.Genesis).Verify(folder.Path, Directory.Path, cancellation);
        }
        catch (BackupException e) when (e.Problem is not (BackupProblem.NoSpace or BackupProblem.FolderUnusable))
        {
            Directory.Delete(folder);
            throw;
        }

        Directory.Keep(settings.Keep);
        return folder;
    }

    /// <summary>The newest; null where there is none.</summary>
    /// <exception cref="BackupException">The directory cannot be read.</exception>
    public BackupManifest? Newest() => Directory.List() is [var newest, ..] ? newest.Manifest : null;

    /// <summary>How old the newest is; without any, how long this node has been without one.</summary>
    public TimeSpan Age(BackupManifest? newest) => TimeSpan.FromMilliseconds(Math.Max(0, clock.GetUtcNow().ToUnixTimeMilliseconds() - (newest?.MadeAt ?? since)));

    private async Task<BackupFolder> Write(string key, CancellationToken cancellation)
    {
        var databases = new Dictionary<string, SqliteSnapshot>(StringComparer.Ordinal);
        try
        {
            foreach (var (name, path) in source.Journals) databases[name] = new SqliteSnapshot(path);
            var chain = databases[BackupFolder.Chain] = new SqliteSnapshot(source.Chain);
            var state = databases[BackupFolder.State] = new SqliteSnapshot(source.State);
            // The journals first: what is settled leaves them only when it is in the chain, so that every transaction is in one of both.
            foreach (var name in source.Journals.Keys) databases[name].Take();
            // The chain and the state on the ledger's thread, where no commit and no end of a flush comes between: the change sets reach from the state to the tip.
            var tip = await ledger.Read(
                l =>
                {
                    state.Take();
                    chain.Take();
                    return l.Tip;
                },
                cancellation);
            var manifest = new BackupManifest
            {
                Format = BackupManifest.CurrentFormat,
                ChainId = network.Genesis.ChainId,
                GenesisHash = network.Genesis.Hash.ToString(),
                Height = tip.Height,
                BlockId = tip.BlockId.ToString(),
                StateRoot = tip.StateRoot.ToString(),
                MadeAt = clock.GetUtcNow().ToUnixTimeMilliseconds(),
                MadeBy = NodeHost.Version,
                Node = node,
                Key = key,
                Validators = [.. network.Validators.Select(validator => Did.OfKey(validator.PublicKey).ToString())],
                Operator = network.Operator.ToString(),
                NotIncluded = source.NotIncluded,
                Files = [],
            };
            return Directory.Write(new BackupContent(manifest, source.Genesis, databases), cancellation);
        }
        finally
        {
            foreach (var snapshot in databases.Values) snapshot.Dispose();
        }
    }
}
