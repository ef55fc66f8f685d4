using Akka.Actor;
using Google.Protobuf;
using Vivim.Actors.Serialization;
using Vivim.Actors.Supervision;

namespace Vivim.Actors.Logging;

/// <summary>The forms of what nodes ask each other of their logs.</summary>
public sealed class LogSerializer(ExtendedActorSystem system) : ManifestSerializer(system, SerializerId, Forms)
{
    private const int SerializerId = 7450;

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<MessageForm> Forms =
    [
        MessageForm.Of("read-log/1", Write, bytes => Read(V1.ReadLog.Parser.ParseFrom(bytes))),
        MessageForm.Of("read-log-tail/1", Write, bytes => Read(V1.ReadLogTail.Parser.ParseFrom(bytes))),
        MessageForm.Of("log-read/1", Write, bytes => Read(V1.LogRead.Parser.ParseFrom(bytes))),
    ];

    private static byte[] Write(ReadLog read) => new V1.ReadLog { Incarnation = read.Incarnation, After = read.After, Filter = Of(read.Filter) }.ToByteArray();

    private static ReadLog Read(V1.ReadLog message) => new(message.Incarnation, message.After, Of(message.Filter));

    private static byte[] Write(ReadLogTail tail) => new V1.ReadLogTail { Count = tail.Count, Filter = Of(tail.Filter) }.ToByteArray();

    private static ReadLogTail Read(V1.ReadLogTail message) => new(message.Count, Of(message.Filter));

    private static byte[] Write(LogRead read)
    {
        var message = new V1.LogRead { Node = read.Node, Incarnation = read.Incarnation, Next = read.Next, Lost = read.Lost };
        message.Records.AddRange(read.Records.Select(Of));
        return message.ToByteArray();
    }

    private static LogRead Read(V1.LogRead message) => new(message.Node, message.Incarnation, message.Next, message.Lost, [.. message.Records.Select(Of)]);

    private static V1.LogFilter Of(LogFilter filter) => new() { Least = (int)filter.Least, SourcePrefix = filter.SourcePrefix, Since = filter.Since, CorrelationId = filter.CorrelationId };

    private static LogFilter Of(V1.LogFilter message) => new((LogSeverity)message.Least, message.SourcePrefix, message.Since, message.CorrelationId);

    private static V1.LogRecord Of(LogRecord record)
    {
        var message = new V1.LogRecord
        {
            Sequence = record.Sequence,
            At = record.At,
            Severity = (int)record.Severity,
            Source = record.Source,
            Message = record.Message,
            Template = record.Template,
            CorrelationId = record.CorrelationId,
            FailureType = record.Failure.Type,
            FailureMessage = record.Failure.Message,
        };
        message.Properties.AddRange(record.Properties.Select(property => new V1.LogProperty { Name = property.Name, Value = property.Value }));
        return message;
    }

    private static LogRecord Of(V1.LogRecord message) => new(
        message.Sequence,
        message.At,
        (LogSeverity)message.Severity,
        message.Source,
        message.Message,
        message.Template,
        [.. message.Properties.Select(property => new LogProperty(property.Name, property.Value))],
        message.CorrelationId,
        new FailureCause(message.FailureType, message.FailureMessage));
}
