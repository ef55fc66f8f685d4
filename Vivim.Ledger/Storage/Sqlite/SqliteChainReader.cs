using Microsoft.Data.Sqlite;
using SQLitePCL;
using Vivim.Ledger.Events;
using Vivim.Protocol;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Proofs;

namespace Vivim.Ledger.Storage.Sqlite;

/// <summary>Reads <c>chain.db</c> through its own connection. Thread-safe: one read at a time.</summary>
public sealed class SqliteChainReader : IChainReader, IDisposable
{
    private readonly Lock gate = new();
    private readonly SqliteConnection connection;
    private readonly SqliteCommand heights;
    private readonly SqliteCommand read;
    private readonly SqliteCommand sizeOf;
    private readonly SqliteCommand readEvents;
    private readonly SqliteCommand find;
    private readonly SqliteCommand setChanges;
    private readonly SqliteCommand blockSummaries;
    private readonly SqliteCommand sectionSummaries;

    /// <summary>Opens the file, which its writer must have created.</summary>
    public SqliteChainReader(string path)
    {
        connection = SqliteDatabase.OpenReader(path);
        heights = connection.Statement("SELECT (SELECT min(height) FROM blocks), (SELECT max(height) FROM blocks)", 0);
        read = connection.Statement("SELECT block, certificate, receipts, events FROM blocks WHERE height = $0", 1);
        sizeOf = connection.Statement("SELECT length(block) + length(certificate) + length(receipts) + length(events) FROM blocks WHERE height = $0", 1);
        readEvents = connection.Statement("SELECT events FROM blocks WHERE height = $0", 1);
        find = connection.Statement("SELECT height, position FROM transactions WHERE id = $0", 1);
        setChanges = connection.Statement("SELECT change FROM set_changes WHERE height < $0 ORDER BY height", 1);
        blockSummaries = connection.Statement("SELECT height, summary FROM event_summaries WHERE height >= $0 AND height <= $1 ORDER BY height", 2);
        sectionSummaries = connection.Statement("SELECT section, summary FROM section_summaries WHERE section >= $0 AND section <= $1 ORDER BY section", 2);
    }

    public (ulong Oldest, ulong Newest) Heights()
    {
        lock (gate)
        {
            using var row = heights.ExecuteReader();
            row.Read();
            return row.IsDBNull(0) ? (0, 0) : ((ulong)row.GetInt64(0), (ulong)row.GetInt64(1));
        }
    }

    public BlockRecord? Read(ulong height)
    {
        lock (gate)
        {
            using var row = read.With((long)height).ExecuteReader();
            return row.Read() ? new BlockRecord(height, row.GetFieldValue<byte[]>(0), row.GetFieldValue<byte[]>(1), row.GetFieldValue<byte[]>(2), row.GetFieldValue<byte[]>(3)) : null;
        }
    }

    public long? SizeOf(ulong height)
    {
        lock (gate) return sizeOf.With((long)height).ExecuteScalar() as long?;
    }

    public byte[]? ReadEvents(ulong height)
    {
        lock (gate) return readEvents.With((long)height).ReadBlob();
    }

    public ulong SkipUnmatched(EventFilter filter, ulong from, ulong to)
    {
        const ulong blocks = EventSummary.SectionBlocks;
        lock (gate)
        {
            if (from % blocks == 0 && from + blocks - 1 <= to)
            {
                var next = Skip(sectionSummaries, filter, from / blocks, (to + 1) / blocks - 1) * blocks;
                if (next > from) return next;
            }

            return Skip(blockSummaries, filter, from, Math.Min(to, from - from % blocks + blocks - 1));
        }
    }

    public IReadOnlyList<ValidatorSetChange> SetChangesBelow(ulong height)
    {
        var changes = new List<ValidatorSetChange>();
        lock (gate)
        {
            using var rows = setChanges.With((long)height).ExecuteReader();
            while (rows.Read())
            {
                var decoder = new CanonicalReader(rows.GetFieldValue<byte[]>(0));
                changes.Add(ValidatorSetChange.Decode(ref decoder));
                decoder.End();
            }
        }

        return changes;
    }

    public TransactionPosition? Find(Hash256 transactionId)
    {
        lock (gate)
        {
            using var row = find.With(transactionId.ToArray()).ExecuteReader();
            return row.Read() ? new TransactionPosition((ulong)row.GetInt64(0), (uint)row.GetInt64(1)) : null;
        }
    }

    public void Dispose()
    {
        heights.Dispose();
        read.Dispose();
        sizeOf.Dispose();
        readEvents.Dispose();
        find.Dispose();
        setChanges.Dispose();
        blockSummaries.Dispose();
        sectionSummaries.Dispose();
        connection.Dispose();
    }

    /// <summary>The first number that may match, or that has no summary.</summary>
    private static ulong Skip(SqliteCommand summaries, EventFilter filter, ulong from, ulong to)
    {
        using var rows = summaries.With((long)from, (long)to).ExecuteReader();
        // The summary is looked at where SQLite has it: a copy of each would cost more than the look.
        while (rows.Read() && (ulong)rows.GetInt64(0) == from && !filter.MayMatch(raw.sqlite3_column_blob(rows.Handle, 1))) from++;
        return from;
    }
}
