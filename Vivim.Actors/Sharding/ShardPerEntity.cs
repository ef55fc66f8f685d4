using Akka.Cluster.Sharding;

namespace Vivim.Actors;

/// <summary>Gives every entity a shard of its own, of the entity's name: for few entities whose place matters.</summary>
/// <param name="entityId">The entity a message is for; null for a message that is for none.</param>
public sealed class ShardPerEntity(Func<object, string?> entityId) : IMessageExtractor
{
    public string EntityId(object message) => entityId(message)!;

    public object EntityMessage(object message) => message;

    public string ShardId(object message) => entityId(message)!;

    public string ShardId(string entityId, object? messageHint = null) => entityId;
}
