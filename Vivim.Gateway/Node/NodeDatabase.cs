using Akka.Configuration;
using Akka.Persistence.Sql;
using Vivim.Actors.Workers;
using Vivim.Chain.Consensus;
using Vivim.Gateway.Configuration;
using Vivim.Ledger.Storage.Sqlite;

namespace Vivim.Gateway.Node;

/// <summary>Where a node's journals and signer rows are: its own files, or the database of its cluster.</summary>
internal abstract class NodeDatabase : IDisposable
{
    /// <summary>The groups of persistent actors that have a journal each.</summary>
    public static IReadOnlyList<string> JournalGroups { get; } = ["consensus", "pool", WorkerActor.JournalGroup];

    public abstract ISignerStore Signers { get; }

    /// <summary>For people: where the signer rows are.</summary>
    public abstract string SignerPlace { get; }

    /// <exception cref="StartException">The database cannot be used.</exception>
    public static NodeDatabase Open(DatabaseSettings settings, NodeFolder folder) =>
        settings is DatabaseSettings.PostgreSql shared ? new Shared(shared) : new Files(folder);

    /// <inheritdoc cref="Open(DatabaseSettings, NodeFolder)"/>
    public static NodeDatabase Open(DatabaseSettings.PostgreSql shared) => new Shared(shared);

    /// <summary>The journal of one group of persistent actors: a place of its own, the settings of akka.conf, and the plugin's own for the rest.</summary>
    public Config Journal(string group, Config own) => PlaceOf(group)
        .WithFallback(own.GetConfig("vivim-journal-defaults"))
        .WithFallback(SqlPersistence.DefaultConfiguration.GetConfig("akka.persistence.journal.sql"))
        .Root.AtKey(group).Root.AtKey("vivim-journals");

    public abstract void Dispose();

    protected abstract Config PlaceOf(string group);

    private static string Quoted(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>A file for each journal: SQLite has one writer per file, and a second one would have to wait for it.</summary>
    private sealed class Files(NodeFolder folder) : NodeDatabase
    {
        private readonly SqliteSignerStore signers = new(folder.SignerDatabase);

        public override ISignerStore Signers => signers;

        public override string SignerPlace => folder.SignerDatabase;

        public override void Dispose() => signers.Dispose();

        protected override Config PlaceOf(string group)
        {
            var file = folder.JournalDatabase(group);
            // The plugin opens the file itself. The write-ahead log is a property of the file and must be set before.
            SqliteDatabase.OpenWriter(file, "").Dispose();
            return ConfigurationFactory.ParseString($"""
                provider-name = "SQLite.MS"
                connection-string = {Quoted($"Data Source={file}")}
                # More writers would only wait for each other.
                parallelism = 1
                """);
        }
    }

    /// <summary>Tables for each journal.</summary>
    private sealed class Shared(DatabaseSettings.PostgreSql settings) : NodeDatabase
    {
        private readonly PostgresSignerStore signers = PostgresSignerStore.Open(settings.ConnectionString);

        public override ISignerStore Signers => signers;

        public override string SignerPlace => settings.SignerPlace;

        public override void Dispose() => signers.Dispose();

        protected override Config PlaceOf(string group) => ConfigurationFactory.ParseString($"""
            provider-name = "PostgreSQL.15"
            connection-string = {Quoted(settings.ConnectionString)}
            # The plugin names a process as the writer, not an actor: what moves away and back would look like two writers in turns. That the
            # tables only grow keeps a stale one out.
            replay-filter.mode = off
            default {'{'}
              journal.table-name = "{group}_journal"
              metadata.table-name = "{group}_journal_metadata"
              tag.table-name = "{group}_journal_tags"
            {'}'}
            """);
    }
}
