using Akka.Actor;
using Google.Protobuf;
using Vivim.Actors.Serialization;

namespace Vivim.Actors;

/// <summary>The forms of what entities are asked whatever they are.</summary>
public sealed class EntitySerializer(ExtendedActorSystem system) : ManifestSerializer(system, SerializerId, Forms)
{
    private const int SerializerId = 7403;

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<MessageForm> Forms =
    [
        MessageForm.Of<CheckEntity>("check-entity/1", m => new V1.CheckEntity { Entity = m.Entity }.ToByteArray(), bytes => new CheckEntity(V1.CheckEntity.Parser.ParseFrom(bytes).Entity)),
        MessageForm.Of<RestartEntity>("restart-entity/1", m => Write(m.Entity, m.By), bytes => Read(bytes, (entity, by) => new RestartEntity(entity, by))),
        MessageForm.Of<CrashEntity>("crash-entity/1", m => Write(m.Entity, m.By), bytes => Read(bytes, (entity, by) => new CrashEntity(entity, by))),
        MessageForm.Of("entity-status/1", Write, bytes => Read(V1.EntityStatus.Parser.ParseFrom(bytes))),
        MessageForm.Of<Status.Failure>("failure/1", Write, bytes => new Status.Failure(new RemoteFailureException(V1.Failure.Parser.ParseFrom(bytes).Message))),
    ];

    private const int MaxFailure = 1_000;

    private static byte[] Write(string entity, string by) => new V1.EntityOrder { Entity = entity, By = by }.ToByteArray();

    private static T Read<T>(byte[] bytes, Func<string, string, T> make)
    {
        var order = V1.EntityOrder.Parser.ParseFrom(bytes);
        return make(order.Entity, order.By);
    }

    private static byte[] Write(Status.Failure failure) =>
        new V1.Failure { Message = failure.Cause?.Message is { } message ? message[..Math.Min(message.Length, MaxFailure)] : "" }.ToByteArray();

    private static byte[] Write(EntityStatus status) => new V1.EntityStatus { Life = status.Life, Message = status.Message }.ToByteArray();

    private static EntityStatus Read(V1.EntityStatus status) => new(status.Life, status.Message);
}
