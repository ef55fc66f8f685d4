using Akka.Cluster.Sharding;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Configuration;
using Akka.Persistence.Sql;
using Vivim.Ledger.Storage.Sqlite;

namespace Vivim.Gateway.Node;

/// <summary>The actor system's configuration: akka.conf, and what depends on the node's settings.</summary>
internal static class AkkaConfiguration
{
    /// <param name="journalFile">The journal file of a group of persistent actors.</param>
    public static Config Of(string logLevel, Func<string, string> journalFile)
    {
        using var resource = new StreamReader(typeof(AkkaConfiguration).Assembly.GetManifestResourceStream("akka.conf")!);
        var own = ConfigurationFactory.ParseString(resource.ReadToEnd());
        return ConfigurationFactory.ParseString($"akka.loglevel = {logLevel}")
            .WithFallback(Journal("consensus", own, journalFile))
            .WithFallback(Journal("pool", own, journalFile))
            .WithFallback(own)
            .WithFallback(DistributedPubSub.DefaultConfig())
            .WithFallback(ClusterSharding.DefaultConfig());
    }

    /// <summary>The journal of one group of actors: its own file, the settings of akka.conf, and the plugin's own for the rest.</summary>
    private static Config Journal(string group, Config own, Func<string, string> journalFile)
    {
        var file = journalFile(group);
        // The plugin opens the file itself. The write-ahead log is a property of the file and must be set before.
        SqliteDatabase.OpenWriter(file, "").Dispose();
        return ConfigurationFactory.ParseString($"connection-string = \"Data Source={file.Replace('\\', '/')}\"")
            .WithFallback(own.GetConfig("vivim-journal-defaults"))
            .WithFallback(SqlPersistence.DefaultConfiguration.GetConfig("akka.persistence.journal.sql"))
            .Root.AtKey(group).Root.AtKey("vivim-journals");
    }
}
