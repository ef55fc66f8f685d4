using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Vivim.Client;
using Vivim.Protocol.V1;
using ChainBase = Vivim.Protocol.V1.Chain.ChainBase;

namespace Vivim.Tests.Client;

/// <summary>What a test overrides; it has a status, as every node has.</summary>
internal abstract class ScriptedChain : ChainBase
{
    public override Task<GetStatusResponse> GetStatus(GetStatusRequest request, ServerCallContext context) => Task.FromResult(new GetStatusResponse());
}

/// <summary>A gRPC server whose Chain service does what a test scripts: for situations a real node does not produce on demand, such as a connection that breaks.</summary>
internal sealed class FakeNode : IAsyncDisposable
{
    private readonly WebApplication application;

    private FakeNode(WebApplication application, TimeProvider? time)
    {
        this.application = application;
        var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Client = VivimClient.Connect(new Uri(address), time: time);
    }

    public VivimClient Client { get; }

    public static Task<FakeNode> StartAsync<TService>(TService service)
        where TService : ChainBase => StartAsync(service, new NoCluster());

    /// <param name="time">The client's clock.</param>
    public static async Task<FakeNode> StartAsync<TService, TCluster>(TService service, TCluster cluster, TimeProvider? time = null)
        where TService : ChainBase
        where TCluster : Cluster.ClusterBase
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(service);
        builder.Services.AddSingleton(cluster);
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var started = builder.Build();
        started.MapGrpcService<TService>();
        started.MapGrpcService<TCluster>();
        await started.StartAsync();
        return new FakeNode(started, time);
    }

    /// <summary>Breaks the connection under a call, as a killed node does.</summary>
    public static void Break(ServerCallContext context) => context.GetHttpContext().Abort();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await application.DisposeAsync();
    }

    private sealed class NoCluster : Cluster.ClusterBase;
}
