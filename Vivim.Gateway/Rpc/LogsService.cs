using Grpc.Core;
using Vivim.Actors.Logging;
using Vivim.Gateway.Node;
using Vivim.Gateway.Operators;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>vivim.v1.Logs: what the proto says of each call. <see cref="OperatorInterceptor"/> stands before it.</summary>
internal sealed class LogsService(NodeHost host, OperatorStreams streams, IHostApplicationLifetime lifetime)
    : V1.Logs.LogsBase
{
    public override async Task Tail(
        V1.TailLogRequest request, IServerStreamWriter<V1.TailLogResponse> responseStream, ServerCallContext context)
    {
        if (request.Last > ReadLogTail.MaxCount)
            throw RpcErrors.InvalidArgument($"{request.Last} records from before, at most {ReadLogTail.MaxCount} are allowed");
        if (!Enum.IsDefined(request.Level)) throw RpcErrors.InvalidArgument($"{(int)request.Level} is not a level");
        var least = request.Level == V1.LogLevel.Unspecified ? LogSeverity.Debug : (LogSeverity)request.Level;
        var filter = new LogFilter(least, request.SourcePrefix, request.Since, RequestValues.CorrelationId(request.CorrelationId));
        var feed = new LogFeed(host.Node.System);
        using var place = streams.Open(OperatorInterceptor.OperatorOf(context));
        context.ChargeBytes(AnswerBytes.PageBytes);
        var only = request.Node.Length == 0 ? null : request.Node;
        await responseStream.Send(
            end => feed.Tail(filter, (int)request.Last, only, request.Follow, end),
            Message, context.CancellationToken, lifetime.ApplicationStopping);
    }

    private static V1.TailLogResponse Message(LogItem item)
    {
        var message = new V1.TailLogResponse { Node = item.Node };
        if (item.Record is not { } record)
        {
            message.Lost = item.Lost;
            return message;
        }

        message.Record = new V1.LogRecord
        {
            Sequence = record.Sequence,
            At = record.At,
            Level = (V1.LogLevel)record.Severity,
            Source = record.Source,
            Message = record.Message,
            Template = record.Template,
            CorrelationId = record.CorrelationId,
            FailureType = record.Failure.Type,
            FailureMessage = record.Failure.Message,
        };
        var properties = record.Properties.Select(property => new V1.LogProperty { Name = property.Name, Value = property.Value });
        message.Record.Properties.AddRange(properties);
        return message;
    }
}
