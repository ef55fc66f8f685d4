using Akka.Cluster.Sharding;

namespace Vivim.Actors;

/// <summary>
/// Gives every entity a shard of its own, of the entity's name: for few entities whose place matters. Each also gets what all entities understand
/// (<see cref="IEntityMessage"/>).
/// </summary>
/// <param name="entityId">The entity a message of the region's own is for; null for another message.</param>
public sealed class ShardPerEntity(Func<object, string?> entityId) : IMessageExtractor
{
    public string EntityId(object message) => (message is IEntityMessage common ? common.Entity : entityId(message))!;

    public object EntityMessage(object message) => message;

    public string ShardId(object message) => EntityId(message);

    public string ShardId(string entityId, object? messageHint = null) => entityId;
}
