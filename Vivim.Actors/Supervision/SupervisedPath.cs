using Vivim.Actors.Messaging;

namespace Vivim.Actors.Supervision;

/// <summary>What an actor's path says of the actor: whether its comings and goings are news, and which entity it is.</summary>
public static class SupervisedPath
{
    private const string Sharding = "/system/sharding/";

    /// <summary>The parts of /system/sharding/TYPE/SHARD/ENTITY.</summary>
    private const int TypePart = 3, EntityPart = 5;

    /// <summary>
    /// Whether the actor lives for long: what the node makes under /user, and shards and their entities. Not the stages of streams, requests on the
    /// bus, nor the replicator's errands, which come and go with every call and write; of those only failures are told.
    /// </summary>
    public static bool IsLasting(string path) =>
        path.StartsWith("/user/", StringComparison.Ordinal) ? !IsErrand(path)
        : path.StartsWith(Sharding, StringComparison.Ordinal) && !Sharded(path).Region.EndsWith("replicator", StringComparison.OrdinalIgnoreCase);

    private static bool IsErrand(string path) =>
        path.StartsWith("/user/StreamSupervisor-", StringComparison.Ordinal) || path.StartsWith($"/user/{WorkerBus.RequestName}", StringComparison.Ordinal);

    /// <summary>The type of the shard region and the entity, each empty where the path has none.</summary>
    public static (string Region, string Entity) Sharded(string path)
    {
        if (!path.StartsWith(Sharding, StringComparison.Ordinal)) return ("", "");
        var parts = path.Split('/');
        return (parts[TypePart], parts.Length > EntityPart ? Uri.UnescapeDataString(parts[EntityPart]) : "");
    }
}
