using Microsoft.Data.Sqlite;
using Vivim.Ledger;
using Vivim.Ledger.Backups;
using Vivim.Ledger.State;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Backups;

/// <summary>A chain of random traffic on files, and a directory for its backups.</summary>
internal sealed class BackedUpChain : IDisposable
{
    public const string Node = "local";

    /// <summary>2026-01-02 03:04:05.678.</summary>
    private const long FirstMade = 1_767_323_045_678;

    private readonly TemporaryFolder folder = new();
    private readonly RandomTraffic traffic;
    private readonly SqliteChainStore chain;
    private readonly SqliteStateStore values;
    private readonly SqliteConnection journal;
    private LedgerState.Flush? flush;
    private int made;

    public BackedUpChain(int seed, Func<string, long>? spaceLeft = null)
    {
        traffic = new RandomTraffic(seed);
        chain = new SqliteChainStore(PathOf("chain.db"));
        values = new SqliteStateStore(PathOf("state.db"));
        journal = SqliteDatabase.OpenWriter(PathOf("journal-pool.db"), "CREATE TABLE journal (id INTEGER PRIMARY KEY, message BLOB)");
        Chain = RandomTraffic.NewChain(chain, values);
        File.WriteAllBytes(PathOf("genesis"), Chain.Genesis.ToJson());
        Directory = new BackupDirectory(PathOf("backups"), TestChain.ChainId, Node, spaceLeft);
    }

    public TestChain Chain { get; }

    public BackupDirectory Directory { get; }

    public string PathOf(string name) => folder.PathOf(name);

    public void Commit(int blocks)
    {
        for (var i = 0; i < blocks; i++)
        {
            var block = Chain.Assemble(traffic.Next(Chain.NextHeight), traffic.NextEvidence(Chain.NextHeight));
            traffic.Included(block.Transactions.Select(TestChain.Decode));
            Chain.Commit(block);
        }
    }

    /// <summary>One more step of a flush: begin it, write it, complete it.</summary>
    public void Flush(bool toEnd = false)
    {
        if (flush is null && (flush = Chain.Ledger.BeginFlush()) is null) return;
        Chain.Ledger.WriteFlush(flush);
        if (!toEnd) return;
        Chain.Ledger.CompleteFlush(flush);
        flush = null;
    }

    /// <summary>As a node does it: what belongs together taken at one moment, then copied. <paramref name="meanwhile"/> happens between.</summary>
    public BackupFolder Backup(Action? meanwhile = null, string key = "key", string? addTable = null, CancellationToken cancellation = default)
    {
        if (addTable is not null) Run($"CREATE TABLE {addTable} (key BLOB, version INTEGER, row BLOB)");
        using var pool = new SqliteSnapshot(PathOf("journal-pool.db"));
        using var chainSnapshot = new SqliteSnapshot(PathOf("chain.db"));
        using var stateSnapshot = new SqliteSnapshot(PathOf("state.db"));
        pool.Take();
        stateSnapshot.Take();
        chainSnapshot.Take();
        var tip = Chain.Ledger.Tip;
        meanwhile?.Invoke();
        var manifest = new BackupManifest
        {
            Format = BackupManifest.CurrentFormat,
            ChainId = TestChain.ChainId,
            GenesisHash = Chain.Genesis.Hash.ToString(),
            Height = tip.Height,
            BlockId = tip.BlockId.ToString(),
            StateRoot = tip.StateRoot.ToString(),
            MadeAt = FirstMade + made++,
            MadeBy = "test",
            Node = Node,
            Key = key,
            Validators = [],
            Operator = "",
            NotIncluded = "nothing",
            Files = [],
        };
        var databases = new Dictionary<string, SqliteSnapshot> { ["journal-pool.db"] = pool, [BackupFolder.Chain] = chainSnapshot, [BackupFolder.State] = stateSnapshot };
        return Directory.Write(new BackupContent(manifest, PathOf("genesis"), databases), cancellation);
    }

    public RestoredBackup Verify(string backup, BackupCheck check = BackupCheck.Chain) => new BackupRestore(check, Chain.Genesis).Verify(backup, PathOf(""), CancellationToken.None);

    public void Run(string sql)
    {
        using var command = journal.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public void Dispose()
    {
        chain.Dispose();
        values.Dispose();
        journal.Dispose();
        folder.Dispose();
    }
}
