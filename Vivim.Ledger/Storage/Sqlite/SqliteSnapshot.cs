using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Vivim.Ledger.Storage.Sqlite;

/// <summary>
/// A database file as it was at one moment, while others go on writing it: the write-ahead log keeps what a reader has begun to read. It cannot be
/// emptied meanwhile, so a snapshot is not to be held longer than a copy takes. Used by one thread at a time.
/// </summary>
public sealed class SqliteSnapshot : IDisposable
{
    /// <summary>Pages copied between two looks at the cancellation: 4 MiB.</summary>
    private const int Step = 1_024;

    private readonly SqliteConnection connection;

    /// <summary>Opens the file; the moment comes with <see cref="Take"/>.</summary>
    /// <exception cref="SqliteException">The file cannot be read as a database.</exception>
    public SqliteSnapshot(string path)
    {
        Path = path;
        connection = SqliteDatabase.OpenReader(path);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>From now on the file is seen as it is at this moment. Takes no time and waits for nobody.</summary>
    public void Take() => connection.Execute("BEGIN; SELECT count(*) FROM sqlite_master;");

    /// <summary>Writes what was taken to a new file of its own, without a log beside it, and syncs it.</summary>
    /// <exception cref="SqliteException">The copy cannot be written, or the file not be read.</exception>
    public void CopyTo(string target, CancellationToken cancellationToken)
    {
        using (var copy = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = target, Pooling = false }.ToString()))
        {
            copy.Open();
            copy.Execute("PRAGMA synchronous = FULL;");
            CopyPages(copy, cancellationToken);
            // The first page says that a log goes with the file.
            copy.Execute("PRAGMA journal_mode = DELETE;");
            // A journal that has just been trimmed is mostly free pages.
            if (FreePages(copy) > SqliteSpace.Reserve) copy.Execute("VACUUM;");
        }

        Protocol.DurableFile.Sync(target);
    }

    public void Dispose() => connection.Dispose();

    private static long FreePages(SqliteConnection copy)
    {
        using var command = copy.Statement("PRAGMA freelist_count", 0);
        return (long)command.ExecuteScalar()!;
    }

    private void CopyPages(SqliteConnection copy, CancellationToken cancellationToken)
    {
        using var backup = raw.sqlite3_backup_init(copy.Handle, "main", connection.Handle, "main");
        SqliteException.ThrowExceptionForRC(backup.IsInvalid ? raw.sqlite3_errcode(copy.Handle) : raw.SQLITE_OK, copy.Handle);
        int result;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            result = raw.sqlite3_backup_step(backup, Step);
        }
        while (result == raw.SQLITE_OK);
        if (result != raw.SQLITE_DONE) SqliteException.ThrowExceptionForRC(result, copy.Handle);
    }
}
