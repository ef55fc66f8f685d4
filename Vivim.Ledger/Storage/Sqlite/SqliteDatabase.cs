using Microsoft.Data.Sqlite;

namespace Vivim.Ledger.Storage.Sqlite;

/// <summary>Opens SQLite files the way everything durable here needs them: write-ahead log, and a sync before every commit returns.</summary>
public static class SqliteDatabase
{
    /// <summary>Opens or creates a database for writing: WAL, FULL synchronous.</summary>
    /// <exception cref="InvalidDataException">The file is not a database, or cannot be written; the message names it.</exception>
    public static SqliteConnection OpenWriter(string path, string schema)
    {
        try
        {
            var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
            connection.Open();
            // The first can only be said of a new file, before anything is in it: its free pages can be given back (SqliteSpace).
            connection.Execute("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000;");
            connection.Execute(schema);
            return connection;
        }
        catch (SqliteException e)
        {
            throw new InvalidDataException($"{path} cannot be used as a database: {e.Message}", e);
        }
    }

    /// <summary>Opens an existing database for reading beside its writer.</summary>
    public static SqliteConnection OpenReader(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        connection.Execute("PRAGMA busy_timeout = 10000;");
        return connection;
    }

    internal static void Execute(this SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>A prepared statement with its parameters in order: <c>$0</c>, <c>$1</c>, …</summary>
    internal static SqliteCommand Statement(this SqliteConnection connection, string sql, int parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < parameters; i++) command.Parameters.Add(new SqliteParameter { ParameterName = $"${i}" });
        command.Prepare();
        return command;
    }

    internal static SqliteCommand With(this SqliteCommand command, params ReadOnlySpan<object> values)
    {
        for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
        return command;
    }

    internal static byte[]? ReadBlob(this SqliteCommand command) => command.ExecuteScalar() as byte[];
}
