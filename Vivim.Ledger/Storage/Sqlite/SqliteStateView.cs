using Microsoft.Data.Sqlite;

namespace Vivim.Ledger.Storage.Sqlite;

/// <summary>All values of a <c>state.db</c> as of one moment, while its writer goes on. To be closed soon: until then the write-ahead log cannot shrink.</summary>
public sealed class SqliteStateView : IDisposable
{
    private readonly SqliteConnection connection;
    private readonly SqliteTransaction transaction;

    /// <summary>Opens the file, which its writer must have created.</summary>
    public SqliteStateView(string path)
    {
        connection = SqliteDatabase.OpenReader(path);
        transaction = connection.BeginTransaction(deferred: true);
        // The first read is what the view begins with.
        using var command = connection.Statement("SELECT height FROM head", 0);
        Height = command.ExecuteScalar() is long height ? (ulong)height : null;
    }

    /// <summary>The height whose values these are; null where there are none.</summary>
    public ulong? Height { get; }

    /// <summary>Keys and values, ascending by the keys' hashes.</summary>
    public IEnumerable<KeyValuePair<byte[], byte[]>> ByHash()
    {
        using var command = connection.Statement("SELECT key, value FROM state ORDER BY hash", 0);
        using var rows = command.ExecuteReader();
        while (rows.Read()) yield return new(rows.GetFieldValue<byte[]>(0), rows.GetFieldValue<byte[]>(1));
    }

    public void Dispose()
    {
        transaction.Dispose();
        connection.Dispose();
    }
}
