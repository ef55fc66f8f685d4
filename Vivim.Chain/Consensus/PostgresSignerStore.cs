using Npgsql;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>
/// Signer rows in a PostgreSQL database that the nodes of a cluster share: whichever node runs a validator, there is one row, and who writes it
/// second finds its version gone.
/// </summary>
public sealed class PostgresSignerStore : ISignerStore, IDisposable
{
    private const string Schema = "CREATE TABLE IF NOT EXISTS signer (key bytea PRIMARY KEY, version bigint NOT NULL, row bytea NOT NULL)";

    private readonly NpgsqlDataSource source;

    private PostgresSignerStore(NpgsqlDataSource source) => this.source = source;

    /// <summary>Opens the store.</summary>
    /// <param name="connectionString">Asks for synchronous commits: a row must survive the database's crash.</param>
    /// <exception cref="NpgsqlException">The database cannot be used.</exception>
    public static PostgresSignerStore Open(string connectionString)
    {
        var store = new PostgresSignerStore(NpgsqlDataSource.Create(connectionString));
        try
        {
            store.CreateTable();
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    public SignerRow? Load(PublicKey key)
    {
        using var command = source.CreateCommand("SELECT row FROM signer WHERE key = $1");
        command.Parameters.AddWithValue(key.Bytes.ToArray());
        return command.ExecuteScalar() is byte[] row ? SignerRow.FromBytes(row) : null;
    }

    public void Create(PublicKey key, SignerRow row)
    {
        using var command = source.CreateCommand("INSERT INTO signer (key, version, row) VALUES ($1, $2, $3)");
        command.Parameters.AddWithValue(key.Bytes.ToArray());
        command.Parameters.AddWithValue((long)row.Version);
        command.Parameters.AddWithValue(row.ToBytes());
        command.ExecuteNonQuery();
    }

    public bool CompareAndSet(PublicKey key, ulong expectedVersion, SignerRow row)
    {
        using var command = source.CreateCommand("UPDATE signer SET version = $1, row = $2 WHERE key = $3 AND version = $4");
        command.Parameters.AddWithValue((long)row.Version);
        command.Parameters.AddWithValue(row.ToBytes());
        command.Parameters.AddWithValue(key.Bytes.ToArray());
        command.Parameters.AddWithValue((long)expectedVersion);
        return command.ExecuteNonQuery() == 1;
    }

    public void Dispose() => source.Dispose();

    private void CreateTable()
    {
        try
        {
            using var command = source.CreateCommand(Schema);
            command.ExecuteNonQuery();
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DuplicateTable)
        {
            // Another node created it at the same moment.
        }
    }
}
