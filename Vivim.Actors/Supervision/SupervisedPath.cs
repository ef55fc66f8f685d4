using Vivim.Actors.Messaging;

namespace Vivim.Actors.Supervision;

/// <summary>What an actor's path says of the actor: whether its comings and goings are news, and which entity it is.</summary>
public static class SupervisedPath
{
    private const string Sharding = "/system/sharding/";

    private static readonly string[] ErrandPrefixes = ["/user/StreamSupervisor-", $"/user/{WorkerBus.RequestName}", $"/user/{WorkerBus.InboxName}"];

    /// <summary>The parts of /system/sharding/TYPE/SHARD/ENTITY.</summary>
    private const int TypePart = 3, EntityPart = 5;

    /// <summary>
    /// Whether an actor's start and stop are news: those of the actors that the node makes under /user, of shards and of their entities. Stages of
    /// streams, requests on the bus and the replicator's errands come and go with every call and write. An inbox comes and goes with its worker,
    /// whose own start and stop are told. Of all these only failures are news.
    /// </summary>
    public static bool IsLasting(string path) =>
        path.StartsWith("/user/", StringComparison.Ordinal) ? !IsErrand(path)
        : path.StartsWith(Sharding, StringComparison.Ordinal) && !Sharded(path).Region.EndsWith("replicator", StringComparison.OrdinalIgnoreCase);

    private static bool IsErrand(string path) =>
        ErrandPrefixes.Any(prefix => path.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>The type of the shard region and the entity, each empty where the path has none.</summary>
    public static (string Region, string Entity) Sharded(string path)
    {
        if (!path.StartsWith(Sharding, StringComparison.Ordinal)) return ("", "");
        var parts = path.Split('/');
        return (parts[TypePart], parts.Length > EntityPart ? Uri.UnescapeDataString(parts[EntityPart]) : "");
    }
}
