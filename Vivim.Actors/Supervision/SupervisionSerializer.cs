using Akka.Actor;
using Google.Protobuf;
using Vivim.Actors.Serialization;

namespace Vivim.Actors.Supervision;

/// <summary>The forms of what nodes ask each other of supervision.</summary>
public sealed class SupervisionSerializer(ExtendedActorSystem system) : ManifestSerializer(system, SerializerId, Forms)
{
    private const int SerializerId = 7410;

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<MessageForm> Forms =
    [
        MessageForm.Of("read-supervision/1", Write, bytes => Read(V1.ReadSupervision.Parser.ParseFrom(bytes))),
        MessageForm.Of("read-supervision-tail/1", Write, bytes => Read(V1.ReadSupervisionTail.Parser.ParseFrom(bytes))),
        MessageForm.Of("supervision-read/1", Write, bytes => Read(V1.SupervisionRead.Parser.ParseFrom(bytes))),
    ];

    private static byte[] Write(ReadSupervision read) => new V1.ReadSupervision { Incarnation = read.Incarnation, After = read.After, Filter = Of(read.Filter) }.ToByteArray();

    private static ReadSupervision Read(V1.ReadSupervision message) => new(message.Incarnation, message.After, Of(message.Filter));

    private static byte[] Write(ReadSupervisionTail tail) => new V1.ReadSupervisionTail { Count = tail.Count, Filter = Of(tail.Filter) }.ToByteArray();

    private static ReadSupervisionTail Read(V1.ReadSupervisionTail message) => new(message.Count, Of(message.Filter));

    private static byte[] Write(SupervisionRead read)
    {
        var message = new V1.SupervisionRead { Node = read.Node, Address = read.Address, Incarnation = read.Incarnation, Next = read.Next, Lost = read.Lost };
        message.Events.AddRange(read.Events.Select(Of));
        return message.ToByteArray();
    }

    private static SupervisionRead Read(V1.SupervisionRead message) =>
        new(message.Node, message.Address, message.Incarnation, message.Next, message.Lost, [.. message.Events.Select(Of)]);

    private static V1.SupervisionFilter Of(SupervisionFilter filter)
    {
        var message = new V1.SupervisionFilter { PathPrefix = filter.PathPrefix };
        message.Kinds.AddRange(filter.Kinds.Select(kind => (int)kind));
        return message;
    }

    private static SupervisionFilter Of(V1.SupervisionFilter message) => new([.. message.Kinds.Select(kind => (SupervisionKind)kind)], message.PathPrefix);

    private static V1.SupervisionEvent Of(SupervisionEvent e) => new()
    {
        Sequence = e.Sequence,
        Kind = (int)e.Kind,
        At = e.At,
        Path = e.Path,
        Region = e.Region,
        Entity = e.Entity,
        CauseType = e.Cause.Type,
        CauseMessage = e.Cause.Message,
        Detail = e.Detail,
    };

    private static SupervisionEvent Of(V1.SupervisionEvent message) =>
        new(message.Sequence, (SupervisionKind)message.Kind, message.At, message.Path, message.Region, message.Entity, new FailureCause(message.CauseType, message.CauseMessage), message.Detail);
}
