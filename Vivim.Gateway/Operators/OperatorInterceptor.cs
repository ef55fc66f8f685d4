using System.Net;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Vivim.Gateway.Node;
using Vivim.Protocol.Identity;

namespace Vivim.Gateway.Operators;

/// <summary>Stands before every method of a service that administers, however it is called: none can forget to ask.</summary>
internal sealed class OperatorInterceptor(NodeHost host, OperatorGate gate) : Interceptor
{
    private static readonly object Admitted = new();

    /// <summary>The operator whose call this is.</summary>
    public static Did OperatorOf(ServerCallContext context) => (Did)context.UserState[Admitted];

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        Admit(context);
        return continuation(request, context);
    }

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Admit(context);
        return continuation(requestStream, context);
    }

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Admit(context);
        return continuation(request, responseStream, context);
    }

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Admit(context);
        return continuation(requestStream, responseStream, context);
    }

    private void Admit(ServerCallContext context)
    {
        var remote = context.GetHttpContext().Connection.RemoteIpAddress ?? IPAddress.None;
        var call = new AdministrationCall(context.RequestHeaders.GetValue("authorization"), remote, context.Method);
        context.UserState[Admitted] = gate.Admit(call, host.Node.Genesis.ChainId, host.Node.Operator);
    }
}
