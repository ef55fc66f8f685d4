using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Vivim.Ledger.Storage.Sqlite;

/// <summary>What a database file holds that nothing needs.</summary>
/// <param name="FreePages">Pages that were used once; SQLite keeps them for what comes.</param>
/// <param name="PageSize">Bytes.</param>
/// <param name="CanShrink">Whether pages can be given back: files made by earlier versions cannot.</param>
/// <param name="LogBytes">Length of the write-ahead log, which only grows while the file is open.</param>
public sealed record SqliteFreeSpace(long FreePages, long PageSize, bool CanShrink, long LogBytes);

/// <summary>Gives space of SQLite files back to the file system, in small steps beside whoever uses them.</summary>
public static class SqliteSpace
{
    /// <summary>Free pages that a file keeps, so that it need not grow at once again: 1 MiB.</summary>
    public const long Reserve = 256;

    /// <summary>A write-ahead log up to this length is left alone.</summary>
    public const long LogLimit = 16 << 20;

    /// <summary>Pages given back in one step, during which nobody else can write.</summary>
    private const long Step = 64;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Looks, and changes nothing.</summary>
    /// <exception cref="InvalidDataException">The file cannot be read as a database; the message names it.</exception>
    public static SqliteFreeSpace Measure(string path)
    {
        try
        {
            using var connection = SqliteDatabase.OpenReader(path);
            return Measure(connection, path);
        }
        catch (SqliteException e)
        {
            throw new InvalidDataException($"{path} cannot be read as a database: {e.Message}", e);
        }
    }

    /// <summary>Gives back what is free beyond the <see cref="Reserve"/>, and empties a long write-ahead log.</summary>
    /// <returns>Bytes by which the file and its log are shorter.</returns>
    /// <exception cref="InvalidDataException">The file cannot be used as a database; the message names it.</exception>
    public static async Task<long> Free(string path, CancellationToken cancellationToken)
    {
        try
        {
            using var connection = SqliteDatabase.OpenWriter(path, "");
            var before = LengthWithLog(path);
            var space = Measure(connection, path);
            for (var left = space.CanShrink ? space.FreePages - Reserve : 0; left > 0; left -= Step)
            {
                cancellationToken.ThrowIfCancellationRequested();
                GiveBack(connection, Math.Min(left, Step));
                await Task.Delay(Pause, cancellationToken);
            }

            // Also what the steps have written; a log that a reader needs stays, and goes the next time.
            if (Log(path) > LogLimit || space.FreePages > Reserve) connection.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
            return Math.Max(0, before - LengthWithLog(path));
        }
        catch (SqliteException e)
        {
            throw new InvalidDataException($"{path} cannot be used as a database: {e.Message}", e);
        }
    }

    private static SqliteFreeSpace Measure(SqliteConnection connection, string path) =>
        new(Number(connection, "PRAGMA freelist_count"), Number(connection, "PRAGMA page_size"), Number(connection, "PRAGMA auto_vacuum") != 0, Log(path));

    /// <summary>The statement gives back a page for each row that is read of it.</summary>
    private static void GiveBack(SqliteConnection connection, long pages)
    {
        using var command = connection.CreateCommand();
        command.CommandText = string.Create(CultureInfo.InvariantCulture, $"PRAGMA incremental_vacuum({pages})");
        using var rows = command.ExecuteReader();
        while (rows.Read()) continue;
    }

    private static long Number(SqliteConnection connection, string pragma)
    {
        using var command = connection.CreateCommand();
        command.CommandText = pragma;
        return (long)command.ExecuteScalar()!;
    }

    private static long LengthWithLog(string path) => new FileInfo(path).Length + Log(path);

    private static long Log(string path) => new FileInfo(path + "-wal") is { Exists: true } log ? log.Length : 0;
}
