using Microsoft.Data.Sqlite;
using Vivim.Ledger.Events;
using Vivim.Protocol;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Proofs;

namespace Vivim.Ledger.Storage.Sqlite;

/// <summary>The chain in <c>chain.db</c>: a row per block, one synced transaction per commit. Used by one thread; others read through <see cref="SqliteChainReader"/>.</summary>
public sealed class SqliteChainStore : IChainStore, IDisposable
{
    private const string Schema = """
        CREATE TABLE IF NOT EXISTS genesis (id INTEGER PRIMARY KEY CHECK (id = 0), hash BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS blocks (height INTEGER PRIMARY KEY, block BLOB NOT NULL, certificate BLOB NOT NULL, receipts BLOB NOT NULL, events BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS transactions (id BLOB PRIMARY KEY, height INTEGER NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS set_changes (height INTEGER PRIMARY KEY, change BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS changes (height INTEGER PRIMARY KEY, changes BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS event_summaries (height INTEGER PRIMARY KEY, summary BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS section_summaries (section INTEGER PRIMARY KEY, summary BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS replacing (id INTEGER PRIMARY KEY CHECK (id = 0));
        """;

    private const string Forget =
        "DELETE FROM blocks; DELETE FROM transactions; DELETE FROM set_changes; DELETE FROM changes; DELETE FROM event_summaries; DELETE FROM section_summaries; DELETE FROM replacing;";

    private readonly SqliteConnection connection;
    private readonly SqliteChainReader reader;

    /// <param name="onSummarize">Told of the first and the last height whose events are summarized at the opening, which may take a while: those of an earlier version.</param>
    /// <exception cref="InvalidDataException">The file is not a database.</exception>
    public SqliteChainStore(string path, Action<ulong, ulong>? onSummarize = null)
    {
        connection = SqliteDatabase.OpenWriter(path, Schema);
        reader = new SqliteChainReader(path);
        using var command = connection.Statement("SELECT hash FROM genesis", 0);
        Genesis = command.ReadBlob() is { } hash ? new Hash256(hash) : null;
        SummarizeOldBlocks(onSummarize);
    }

    public Hash256? Genesis { get; private set; }

    public void Initialize(Hash256 genesis)
    {
        using var command = connection.Statement("INSERT INTO genesis (id, hash) VALUES (0, $0)", 1);
        command.With(genesis.ToArray()).ExecuteNonQuery();
        Genesis = genesis;
    }

    public (ulong Oldest, ulong Newest) Heights() => reader.Heights();

    public BlockRecord? Read(ulong height) => reader.Read(height);

    public long? SizeOf(ulong height) => reader.SizeOf(height);

    public byte[]? ReadEvents(ulong height) => reader.ReadEvents(height);

    public IReadOnlyList<ValidatorSetChange> SetChangesBelow(ulong height) => reader.SetChangesBelow(height);

    public ulong SkipUnmatched(EventFilter filter, ulong from, ulong to) => reader.SkipUnmatched(filter, from, to);

    public TransactionPosition? Find(Hash256 transactionId) => reader.Find(transactionId);

    public void Append(BlockRecord record, IReadOnlyList<Hash256> transactionIds, byte[] changes, ValidatorSetChange? setChange)
    {
        using var transaction = connection.BeginTransaction();
        InsertBlock(record, transactionIds);
        using var change = connection.Statement("INSERT INTO changes (height, changes) VALUES ($0, $1)", 2);
        change.With((long)record.Height, changes).ExecuteNonQuery();
        if (setChange is not null) InsertSetChange(setChange);
        transaction.Commit();
    }

    public IEnumerable<KeyValuePair<ulong, byte[]>> ChangesAfter(ulong height)
    {
        using var command = connection.Statement("SELECT height, changes FROM changes WHERE height > $0 ORDER BY height", 1).With((long)height);
        using var rows = command.ExecuteReader();
        while (rows.Read()) yield return new((ulong)rows.GetInt64(0), rows.GetFieldValue<byte[]>(1));
    }

    public void DropChangesUpTo(ulong height)
    {
        using var command = connection.Statement("DELETE FROM changes WHERE height <= $0", 1).With((long)height);
        command.ExecuteNonQuery();
    }

    public void DropBlocksBelow(ulong height)
    {
        using var transaction = connection.BeginTransaction();
        using var position = connection.Statement("DELETE FROM transactions WHERE id = $0", 1);
        // By the ids in their receipts: to look for the height would read the positions of all that is kept, and an index by it is as long as they are.
        foreach (var id in TransactionsBelow(height)) position.With(id.ToArray()).ExecuteNonQuery();
        using var blocks = connection.Statement("DELETE FROM blocks WHERE height < $0", 1).With((long)height);
        blocks.ExecuteNonQuery();
        using var summaries = connection.Statement("DELETE FROM event_summaries WHERE height < $0", 1).With((long)height);
        summaries.ExecuteNonQuery();
        using var sections = connection.Statement("DELETE FROM section_summaries WHERE section < $0", 1).With((long)(height / EventSummary.SectionBlocks));
        sections.ExecuteNonQuery();
        transaction.Commit();
    }

    public bool IsBeingReplaced
    {
        get
        {
            using var command = connection.Statement("SELECT count(*) FROM replacing", 0);
            return command.ExecuteScalar() is > 0L;
        }
    }

    public void BeginReplacing() => connection.Execute("INSERT OR IGNORE INTO replacing (id) VALUES (0)");

    public void Replace(BlockRecord record, IReadOnlyList<Hash256> transactionIds, IReadOnlyList<ValidatorSetChange> setChanges)
    {
        using var transaction = connection.BeginTransaction();
        connection.Execute(Forget);
        InsertBlock(record, transactionIds);
        foreach (var change in setChanges) InsertSetChange(change);
        transaction.Commit();
    }

    public void Clear()
    {
        using var transaction = connection.BeginTransaction();
        connection.Execute(Forget);
        transaction.Commit();
    }

    public void Dispose()
    {
        reader.Dispose();
        connection.Dispose();
    }

    /// <summary>Block by block, in the order of the ids.</summary>
    private IEnumerable<Hash256> TransactionsBelow(ulong height)
    {
        using var command = connection.Statement("SELECT receipts FROM blocks WHERE height < $0 ORDER BY height", 1).With((long)height);
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            foreach (var id in StoredReceipts.Decode(rows.GetFieldValue<byte[]>(0)).Select(receipt => receipt.TransactionId).Order()) yield return id;
        }
    }

    private void InsertBlock(BlockRecord record, IReadOnlyList<Hash256> transactionIds)
    {
        using var block = connection.Statement("INSERT INTO blocks (height, block, certificate, receipts, events) VALUES ($0, $1, $2, $3, $4)", 5);
        block.With((long)record.Height, record.Block, record.Certificate, record.Receipts, record.Events).ExecuteNonQuery();
        using var position = connection.Statement("INSERT INTO transactions (id, height, position) VALUES ($0, $1, $2)", 3);
        // In the order of the ids, so that neighbouring rows land on pages already at hand.
        foreach (var index in Enumerable.Range(0, transactionIds.Count).OrderBy(i => transactionIds[i]))
            position.With(transactionIds[index].ToArray(), (long)record.Height, (long)index).ExecuteNonQuery();
        Summarize(record.Height, record.Events);
    }

    /// <summary>Summaries for a chain that an earlier version has written: they always reach from the oldest block to the newest.</summary>
    private void SummarizeOldBlocks(Action<ulong, ulong>? onSummarize)
    {
        var (oldest, newest) = reader.Heights();
        using var last = connection.Statement("SELECT max(height) FROM event_summaries", 0);
        var next = last.ExecuteScalar() is long summarized ? Math.Max(oldest, (ulong)summarized + 1) : oldest;
        if (newest == 0 || next > newest) return;
        onSummarize?.Invoke(next, newest);
        while (next <= newest)
        {
            using var transaction = connection.BeginTransaction();
            var end = Math.Min(newest, next + EventSummary.SectionBlocks - 1);
            for (; next <= end; next++) Summarize(next, reader.ReadEvents(next) ?? []);
            transaction.Commit();
        }
    }

    private void Summarize(ulong height, byte[] events)
    {
        // Those of a version that did not know of them may be there already: a block that is committed never changes.
        using var block = connection.Statement("INSERT OR REPLACE INTO event_summaries (height, summary) VALUES ($0, $1)", 2);
        block.With((long)height, EventSummary.Of(events)).ExecuteNonQuery();
        if (height % EventSummary.SectionBlocks == EventSummary.SectionBlocks - 1) SummarizeSection(height / EventSummary.SectionBlocks);
    }

    /// <summary>Where all its blocks are kept: a section summary that lacks one would hide events.</summary>
    private void SummarizeSection(ulong section)
    {
        var first = section * EventSummary.SectionBlocks;
        using var blocks = connection.Statement("SELECT summary FROM event_summaries WHERE height >= $0 AND height < $1", 2);
        var summaries = new List<byte[]>();
        using (var rows = blocks.With((long)first, (long)(first + EventSummary.SectionBlocks)).ExecuteReader())
        {
            while (rows.Read()) summaries.Add(rows.GetFieldValue<byte[]>(0));
        }

        // There is no block 0.
        if ((ulong)summaries.Count < (section == 0 ? EventSummary.SectionBlocks - 1 : EventSummary.SectionBlocks)) return;
        using var command = connection.Statement("INSERT OR REPLACE INTO section_summaries (section, summary) VALUES ($0, $1)", 2);
        command.With((long)section, EventSummary.Merge(summaries)).ExecuteNonQuery();
    }

    private void InsertSetChange(ValidatorSetChange change)
    {
        var encoded = new CanonicalWriter(1024);
        change.Encode(encoded);
        using var set = connection.Statement("INSERT INTO set_changes (height, change) VALUES ($0, $1)", 2);
        set.With((long)change.Header.Height, encoded.ToArray()).ExecuteNonQuery();
    }
}
