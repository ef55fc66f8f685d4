using Akka.Configuration;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;

namespace Vivim.Tests.Gateway;

/// <summary>Settings as hocon/vivim.conf has them, but for what is given.</summary>
internal static class TestSettings
{
    public static string ReferenceFile { get; } = Path.Combine(AppContext.BaseDirectory, "hocon", "vivim.conf");

    public static NodeSettings Of(params IEnumerable<(string Key, string Value)> changed) =>
        NodeSettings.From(new SettingsReader(ReferenceFile, null, static _ => null, changed.ToDictionary(c => c.Key, c => c.Value, StringComparer.Ordinal)));

    /// <summary>The actor system's configuration of a node on its own, with its journals in a folder.</summary>
    public static Config Akka(DirectoryInfo folder, string logLevel) => Akka(folder, logLevel, static cluster => cluster);

    /// <summary>That of a node of a cluster, which listens on a free loopback port.</summary>
    public static Config AkkaOfMember(DirectoryInfo folder, string logLevel) => Akka(folder, logLevel, static cluster => cluster with { Name = "member" });

    private static Config Akka(DirectoryInfo folder, string logLevel, Func<ClusterSettings, ClusterSettings> place)
    {
        var settings = Of(("data", folder.FullName));
        using var locked = NodeFolder.Open(folder.FullName);
        using var database = NodeDatabase.Open(settings.Database, locked);
        return AkkaConfiguration.Of(logLevel, place(settings.Cluster), database);
    }
}
