using Npgsql;

namespace Vivim.Gateway.Configuration;

/// <summary>Where journals and signer rows are kept.</summary>
internal abstract record DatabaseSettings
{
    private DatabaseSettings()
    {
    }

    /// <summary>Files in the data folder.</summary>
    public sealed record Sqlite : DatabaseSettings;

    /// <summary>One PostgreSQL database for all nodes of a cluster.</summary>
    public sealed record PostgreSql(string Host, int Port, string Name, string User, string Password) : DatabaseSettings
    {
        /// <summary>Seconds until a statement, or an attempt to connect, has failed.</summary>
        private const int Limit = 10;

        /// <summary>For people: never with the password.</summary>
        public string Place => $"{Host}:{Port}/{Name}";

        /// <summary>For people: where the signer rows are.</summary>
        public string SignerPlace => $"the table signer of {Place}";

        /// <summary>
        /// For Npgsql. What is written must survive the database's crash, whatever its own setting is. A dead connection is noticed by keep-alives,
        /// on both sides, within about ten seconds.
        /// </summary>
        public string ConnectionString => new NpgsqlConnectionStringBuilder
        {
            Host = Host,
            Port = Port,
            Database = Name,
            Username = User,
            Password = Password,
            Timeout = Limit,
            CommandTimeout = Limit,
            MaxPoolSize = 16,
            TcpKeepAlive = true,
            TcpKeepAliveTime = 3_000,
            TcpKeepAliveInterval = 2_000,
            Options = "-c synchronous_commit=on -c tcp_keepalives_idle=3 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c tcp_user_timeout=9000",
            ApplicationName = "vivim",
            // The password is asked for; without this the driver looks for a Kerberos library, and says that there is none.
            GssEncryptionMode = GssEncryptionMode.Disable,
        }.ConnectionString;

        public override string ToString() => Place;
    }

    /// <exception cref="SettingsException">A value is not possible.</exception>
    public static DatabaseSettings From(SettingsReader reader) => reader.OneOf("database.provider", "sqlite", "postgresql") == "sqlite"
        ? new Sqlite()
        : new PostgreSql(Text(reader, "database.host"), (int)reader.Number("database.port", 1, 65_535), Text(reader, "database.name"), Text(reader, "database.user"), reader.Secret("database.password"));

    private static string Text(SettingsReader reader, string key) => reader.Text(key) is { Length: > 0 } text ? text : throw reader.Wrong(key, "", "a name");
}
