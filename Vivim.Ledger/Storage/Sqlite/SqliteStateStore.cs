using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace Vivim.Ledger.Storage.Sqlite;

/// <summary>The state's values in <c>state.db</c>, by key and by the hash of the key (absence proofs name neighbours by hash).</summary>
public sealed class SqliteStateStore : IStateStore, IDisposable
{
    private const string Schema = """
        CREATE TABLE IF NOT EXISTS state (key BLOB PRIMARY KEY, hash BLOB NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS state_by_hash ON state (hash);
        CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY CHECK (id = 0), height INTEGER NOT NULL);
        """;

    private const string Forget = "DELETE FROM state; DELETE FROM head;";

    private readonly SqliteConnection writer;
    private readonly SqliteConnection reader;
    private readonly SqliteCommand get;
    private readonly SqliteCommand findKey;

    /// <exception cref="InvalidDataException">The file is not a database.</exception>
    public SqliteStateStore(string path)
    {
        writer = SqliteDatabase.OpenWriter(path, Schema);
        reader = SqliteDatabase.OpenReader(path);
        get = reader.Statement("SELECT value FROM state WHERE key = $0", 1);
        findKey = reader.Statement("SELECT key FROM state WHERE hash = $0", 1);
    }

    public ulong? Height
    {
        get
        {
            using var command = reader.Statement("SELECT height FROM head", 0);
            return command.ExecuteScalar() is long height ? (ulong)height : null;
        }
    }

    public byte[]? Get(byte[] key) => get.With(key).ReadBlob();

    public byte[]? FindKey(byte[] keyHash) => findKey.With(keyHash).ReadBlob();

    public IEnumerable<KeyValuePair<byte[], byte[]>> Range(byte[] prefix, byte[] after)
    {
        using var command = reader.Statement("SELECT key, value FROM state WHERE key >= $0 AND key > $1 ORDER BY key", 2).With(prefix, after);
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            var key = rows.GetFieldValue<byte[]>(0);
            if (!key.AsSpan().StartsWith(prefix)) yield break;
            yield return new(key, rows.GetFieldValue<byte[]>(1));
        }
    }

    public IEnumerable<KeyValuePair<byte[], byte[]>> All()
    {
        using var command = reader.Statement("SELECT key, value FROM state", 0);
        using var rows = command.ExecuteReader();
        while (rows.Read()) yield return new(rows.GetFieldValue<byte[]>(0), rows.GetFieldValue<byte[]>(1));
    }

    public void Write(ulong height, IReadOnlyDictionary<byte[], byte[]?> changes)
    {
        using var transaction = writer.BeginTransaction();
        using var put = writer.Statement("INSERT INTO state (key, hash, value) VALUES ($0, $1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", 3);
        using var delete = writer.Statement("DELETE FROM state WHERE key = $0", 1);
        foreach (var (key, value) in changes.OrderBy(c => c.Key, State.KeyComparer.Instance))
        {
            if (value is null) delete.With(key).ExecuteNonQuery();
            else put.With(key, SHA256.HashData(key), value).ExecuteNonQuery();
        }

        WriteHeight(height);
        transaction.Commit();
    }

    public void Replace(ulong height, IEnumerable<KeyValuePair<byte[], byte[]>> rows)
    {
        using var transaction = writer.BeginTransaction();
        writer.Execute(Forget);
        using var put = writer.Statement("INSERT INTO state (key, hash, value) VALUES ($0, $1, $2)", 3);
        foreach (var (key, value) in rows) put.With(key, SHA256.HashData(key), value).ExecuteNonQuery();
        WriteHeight(height);
        transaction.Commit();
    }

    public void Clear()
    {
        using var transaction = writer.BeginTransaction();
        writer.Execute(Forget);
        transaction.Commit();
    }

    public void Dispose()
    {
        get.Dispose();
        findKey.Dispose();
        reader.Dispose();
        writer.Dispose();
    }

    private void WriteHeight(ulong height)
    {
        using var head = writer.Statement("INSERT INTO head (id, height) VALUES (0, $0) ON CONFLICT (id) DO UPDATE SET height = excluded.height", 1);
        head.With((long)height).ExecuteNonQuery();
    }
}
