using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Vivim.Gateway.Rpc;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>What a request says in fields that nobody here knows takes no memory.</summary>
public sealed class KnownFieldsTests : IAsyncLifetime
{
    /// <summary>Field 1,000 with the number 7: an object of its own for each, if it is kept.</summary>
    private static readonly byte[] UnknownField = [0xC0, 0x3E, 7];

    private readonly ConcurrentQueue<IMessage> seen = new();
    private WebApplication app = null!;
    private GrpcChannel channel = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.KeepKnownFieldsOnly();
        builder.Services.AddSingleton(seen);
        app = builder.Build();
        app.MapGrpcService<Witness>();
        await app.StartAsync();
        channel = GrpcChannel.ForAddress(app.Urls.Single());
    }

    public async Task DisposeAsync()
    {
        channel.Dispose();
        await app.DisposeAsync();
    }

    [Theory]
    [InlineData("GetBlock", MethodType.Unary)]
    [InlineData("StreamBlocks", MethodType.ServerStreaming)]
    [InlineData("SubmitMany", MethodType.DuplexStreaming)]
    public async Task Fields_that_nobody_knows_are_not_kept(string name, MethodType type)
    {
        IMessage known = type switch
        {
            MethodType.Unary => new V1.GetBlockRequest { Height = 5 },
            MethodType.ServerStreaming => new V1.StreamBlocksRequest { FromHeight = 5 },
            _ => new V1.SubmitRequest { Transaction = new V1.SignedTransaction { Body = ByteString.CopyFromUtf8("body") } },
        };
        byte[] request = [.. known.ToByteArray(), .. Enumerable.Repeat(UnknownField, 10_000).SelectMany(field => field)];
        var bytes = Marshallers.Create<byte[]>(static b => b, static b => b);
        var method = new Method<byte[], byte[]>(type, "vivim.v1.Chain", name, bytes, bytes);
        var invoker = channel.CreateCallInvoker();
        if (type == MethodType.Unary)
        {
            await invoker.AsyncUnaryCall(method, null, default, request);
        }
        else if (type == MethodType.ServerStreaming)
        {
            using var call = invoker.AsyncServerStreamingCall(method, null, default, request);
            Assert.False(await call.ResponseStream.MoveNext());
        }
        else
        {
            using var call = invoker.AsyncDuplexStreamingCall(method, null, default);
            await call.RequestStream.WriteAsync(request);
            await call.RequestStream.CompleteAsync();
            Assert.False(await call.ResponseStream.MoveNext());
        }

        Assert.Equal(known.ToByteArray(), Assert.Single(seen).ToByteArray());
    }

    private sealed class Witness(ConcurrentQueue<IMessage> seen) : V1.Chain.ChainBase
    {
        public override Task<V1.GetBlockResponse> GetBlock(V1.GetBlockRequest request, ServerCallContext context)
        {
            seen.Enqueue(request);
            return Task.FromResult(new V1.GetBlockResponse());
        }

        public override Task StreamBlocks(V1.StreamBlocksRequest request, IServerStreamWriter<V1.GetBlockResponse> responseStream, ServerCallContext context)
        {
            seen.Enqueue(request);
            return Task.CompletedTask;
        }

        public override async Task SubmitMany(
            IAsyncStreamReader<V1.SubmitRequest> requestStream, IServerStreamWriter<V1.SubmitManyResponse> responseStream, ServerCallContext context)
        {
            await foreach (var request in requestStream.ReadAllAsync(context.CancellationToken)) seen.Enqueue(request);
        }
    }
}
