namespace Vivim.Actors;

/// <summary>What <see cref="EntitySerializer"/> has a form for.</summary>
public interface IEntityForm;

/// <summary>A message that every <see cref="JournaledActor"/> understands, sent to its shard region.</summary>
public interface IEntityMessage : IEntityForm
{
    /// <summary>The entity's id in its region.</summary>
    string Entity { get; }
}

/// <summary>How are you? Answered by <see cref="EntityStatus"/>, once the entity has come so far as to serve.</summary>
public sealed record CheckEntity(string Entity) : IEntityMessage;

/// <summary>End in order, as for a move to another node, and begin anew; not answered. What comes meanwhile waits in the shard.</summary>
/// <param name="By">Who wants it.</param>
public sealed record RestartEntity(string Entity, string By) : IEntityMessage;

/// <summary>Fail, as if by a fault of your own: what follows is supervision's. Not answered.</summary>
/// <param name="By">Who wants it.</param>
public sealed record CrashEntity(string Entity, string By) : IEntityMessage;

/// <summary>Answer to <see cref="CheckEntity"/>.</summary>
/// <param name="Life">Of this incarnation and no other.</param>
/// <param name="Message">A sentence for people.</param>
public sealed record EntityStatus(string Life, string Message) : IEntityForm;

/// <summary>What an actor fails by that is told to.</summary>
public sealed class CrashedOnPurposeException(string by) : Exception($"crashed on purpose by {by}");

/// <summary>An actor of another node could not answer. Only its sentence comes along: no exception is made by a type that another node names.</summary>
public sealed class RemoteFailureException(string message) : InvalidOperationException(message);
