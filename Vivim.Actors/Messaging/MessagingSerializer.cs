using System.Runtime.Serialization;
using Akka.Actor;
using Google.Protobuf;
using Vivim.Actors.Serialization;

namespace Vivim.Actors.Messaging;

/// <summary>The forms of the bus's messages. A message that is not possible is refused here too: it comes from another node.</summary>
public sealed class MessagingSerializer(ExtendedActorSystem system) : ManifestSerializer(system, SerializerId, Forms)
{
    private const int SerializerId = 7420;

    /// <summary>Every form, by a manifest that never changes.</summary>
    public static IReadOnlyList<MessageForm> Forms { get; } =
    [
        MessageForm.Of<WorkerMessage>("worker-message/1", Write, Read),
        MessageForm.Of<Locate>("locate/1", m => new V1.Locate { WorkerId = m.WorkerId }.ToByteArray(), bytes => new Locate(V1.Locate.Parser.ParseFrom(bytes).WorkerId)),
        MessageForm.Of<Located>("located/1", m => new V1.Located { WorkerId = m.WorkerId }.ToByteArray(), bytes => new Located(V1.Located.Parser.ParseFrom(bytes).WorkerId)),
        MessageForm.Of<RequestRefused>("request-refused/1", Write, ReadRefused),
    ];

    private static byte[] Write(WorkerMessage message)
    {
        var form = new V1.WorkerMessage
        {
            Id = message.Id,
            From = message.From,
            To = message.To,
            Type = message.Type,
            Payload = UnsafeByteOperations.UnsafeWrap(message.Payload),
            Priority = (V1.MessagePriority)(message.Priority + 1),
            Ttl = (long)message.TimeToLive.TotalMilliseconds,
            Timestamp = message.Timestamp.ToUnixTimeMilliseconds(),
        };
        if (message.CorrelationId is { } correlation) form.CorrelationId = correlation;
        return form.ToByteArray();
    }

    private static WorkerMessage Read(byte[] bytes)
    {
        var form = V1.WorkerMessage.Parser.ParseFrom(bytes);
        if (form.Ttl is < 0 or > int.MaxValue || form.Timestamp is < 0 or > 253_402_300_799_999) throw new SerializationException("a worker message has an impossible time");
        var message = new WorkerMessage(
            form.Id, form.From, form.To, form.Type, form.Payload.Memory, (MessagePriority)(form.Priority - 1), TimeSpan.FromMilliseconds(form.Ttl),
            form.HasCorrelationId ? form.CorrelationId : null, DateTimeOffset.FromUnixTimeMilliseconds(form.Timestamp));
        return message.Problem() is { } problem ? throw new SerializationException($"a worker message is not possible: {problem}") : message;
    }

    private static byte[] Write(RequestRefused refused) =>
        new V1.RequestRefused { CorrelationId = refused.CorrelationId, Failure = (V1.RequestFailure)(refused.Failure + 1), Message = refused.Message }.ToByteArray();

    private static RequestRefused ReadRefused(byte[] bytes)
    {
        var form = V1.RequestRefused.Parser.ParseFrom(bytes);
        var failure = (RequestFailure)(form.Failure - 1);
        return new RequestRefused(form.CorrelationId, Enum.IsDefined(failure) ? failure : RequestFailure.Failed, form.Message);
    }
}
