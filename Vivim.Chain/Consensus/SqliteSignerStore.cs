using Microsoft.Data.Sqlite;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>Signer rows in <c>signer.db</c>: for a node that shares its validators with nobody.</summary>
public sealed class SqliteSignerStore : ISignerStore, IDisposable
{
    private const string Schema = "CREATE TABLE IF NOT EXISTS signer (key BLOB PRIMARY KEY, version INTEGER NOT NULL, row BLOB NOT NULL) WITHOUT ROWID;";

    private readonly Lock gate = new();
    private readonly SqliteConnection connection;

    /// <exception cref="InvalidDataException">The file is not a database.</exception>
    public SqliteSignerStore(string path) => connection = SqliteDatabase.OpenWriter(path, Schema);

    public SignerRow? Load(PublicKey key)
    {
        lock (gate)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT row FROM signer WHERE key = $key";
            command.Parameters.AddWithValue("$key", key.Bytes.ToArray());
            return command.ExecuteScalar() is byte[] row ? SignerRow.FromBytes(row) : null;
        }
    }

    public void Create(PublicKey key, SignerRow row)
    {
        lock (gate)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "INSERT INTO signer (key, version, row) VALUES ($key, $version, $row)";
            command.Parameters.AddWithValue("$key", key.Bytes.ToArray());
            command.Parameters.AddWithValue("$version", (long)row.Version);
            command.Parameters.AddWithValue("$row", row.ToBytes());
            command.ExecuteNonQuery();
        }
    }

    public bool CompareAndSet(PublicKey key, ulong expectedVersion, SignerRow row)
    {
        lock (gate)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE signer SET version = $version, row = $row WHERE key = $key AND version = $expected";
            command.Parameters.AddWithValue("$key", key.Bytes.ToArray());
            command.Parameters.AddWithValue("$version", (long)row.Version);
            command.Parameters.AddWithValue("$row", row.ToBytes());
            command.Parameters.AddWithValue("$expected", (long)expectedVersion);
            return command.ExecuteNonQuery() == 1;
        }
    }

    public void Dispose() => connection.Dispose();
}
