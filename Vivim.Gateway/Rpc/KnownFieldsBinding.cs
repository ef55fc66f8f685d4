using System.Reflection;
using Google.Protobuf;
using Grpc.AspNetCore.Server;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace Vivim.Gateway.Rpc;

/// <summary>
/// Binds a gRPC service so that its requests keep no fields that this version does not know. Google.Protobuf otherwise makes an object of
/// each of them: a request of 128 KiB would occupy ten megabytes, for as long as its call lasts.
/// </summary>
internal sealed class KnownFieldsBinding<TService> : IServiceMethodProvider<TService>
    where TService : class
{
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<TService> context)
    {
        var type = typeof(TService);
        while (!type.IsDefined(typeof(BindServiceMethodAttribute), inherit: false))
            type = type.BaseType ?? throw new InvalidOperationException($"{typeof(TService)} is no gRPC service");
        var generated = type.GetCustomAttribute<BindServiceMethodAttribute>(inherit: false)!;
        var bind = generated.BindType.GetMethod(generated.BindMethodName, [typeof(ServiceBinderBase), type])
            ?? throw new InvalidOperationException($"{generated.BindType} has no method {generated.BindMethodName}");
        bind.Invoke(null, [new Binder(context), null]);
    }

    private sealed class Binder(ServiceMethodProviderContext<TService> context) : ServiceBinderBase
    {
        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler)
        {
            var own = OwnMethod(method.Name, typeof(TRequest), typeof(ServerCallContext));
            context.AddUnaryMethod(
                Reading(method), MetadataOf(own), own.CreateDelegate<UnaryServerMethod<TService, TRequest, TResponse>>());
        }

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler)
        {
            var own = OwnMethod(method.Name, typeof(IAsyncStreamReader<TRequest>), typeof(ServerCallContext));
            context.AddClientStreamingMethod(
                Reading(method), MetadataOf(own), own.CreateDelegate<ClientStreamingServerMethod<TService, TRequest, TResponse>>());
        }

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler)
        {
            var own = OwnMethod(method.Name, typeof(TRequest), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext));
            context.AddServerStreamingMethod(
                Reading(method), MetadataOf(own), own.CreateDelegate<ServerStreamingServerMethod<TService, TRequest, TResponse>>());
        }

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler)
        {
            var own = OwnMethod(
                method.Name, typeof(IAsyncStreamReader<TRequest>), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext));
            context.AddDuplexStreamingMethod(
                Reading(method), MetadataOf(own), own.CreateDelegate<DuplexStreamingServerMethod<TService, TRequest, TResponse>>());
        }

        private static MethodInfo OwnMethod(string name, params Type[] parameters) =>
            typeof(TService).GetMethod(name, parameters) ?? throw new InvalidOperationException($"{typeof(TService)} has no method {name}");

        private static Method<TRequest, TResponse> Reading<TRequest, TResponse>(Method<TRequest, TResponse> method)
            where TRequest : class
            where TResponse : class
        {
            var parser = ((MessageParser)typeof(TRequest).GetProperty("Parser")!.GetValue(null)!).WithDiscardUnknownFields(true);
            var reading = new Marshaller<TRequest>(
                method.RequestMarshaller.ContextualSerializer, message => (TRequest)parser.ParseFrom(message.PayloadAsReadOnlySequence()));
            return new Method<TRequest, TResponse>(method.Type, method.ServiceName, method.Name, reading, method.ResponseMarshaller);
        }

        /// <summary>What the endpoint of a method knows of it, the method's own attributes last.</summary>
        private static List<object> MetadataOf(MethodInfo method) =>
        [
            .. typeof(TService).GetCustomAttributes(inherit: true),
            .. method.GetCustomAttributes(inherit: true),
            new HttpMethodMetadata([HttpMethods.Post]),
        ];
    }
}

/// <summary>How requests are read.</summary>
internal static class KnownFields
{
    /// <summary>Replaces ASP.NET's own binding of gRPC services by <see cref="KnownFieldsBinding{TService}"/>.</summary>
    public static void KeepKnownFieldsOnly(this IServiceCollection services)
    {
        var ofGrpc = services.Where(service =>
            service.ServiceType == typeof(IServiceMethodProvider<>)
            && service.ImplementationType?.Assembly == typeof(GrpcServiceOptions).Assembly);
        foreach (var provider in ofGrpc.ToList()) services.Remove(provider);
        services.AddSingleton(typeof(IServiceMethodProvider<>), typeof(KnownFieldsBinding<>));
    }
}
