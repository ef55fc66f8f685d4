using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Limits;
using Vivim.Gateway.Logging;
using Vivim.Gateway.Metrics;
using Vivim.Gateway.Node;
using Vivim.Gateway.Operators;
using Vivim.Gateway.Rpc;
using Vivim.Gateway.StatusPage;
using Vivim.Gateway.Telemetry;

namespace Vivim.Gateway;

/// <summary>The process: binds the ports, then starts the node, and runs until it is told to stop or the node cannot go on.</summary>
internal static class GatewayHost
{
    private const int Failed = 1;

    /// <summary>How long connections have to end at a stop; then they are broken.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    /// <summary>Runs a node.</summary>
    /// <returns>The exit code: 0 after a stop that was asked for, 1 when the node could not start or go on.</returns>
    public static async Task<int> Run(NodeSettings settings)
    {
        await using var app = Build(settings);
        try
        {
            await app.StartAsync();
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return await Fail($"a port cannot be bound: {e.Message.TrimEnd('.')}: stop what is using it, or start with other --http-port and --grpc-port");
        }

        var host = app.Services.GetRequiredService<NodeHost>();
        try
        {
            await host.Start(app.Lifetime.ApplicationStopping);
        }
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return 0;
        }
        catch (StartException e)
        {
            await app.StopAsync(CancellationToken.None);
            return await Fail(e.Message);
        }

        Greet(app, host.Node, settings.Logging.Json);
        await app.WaitForShutdownAsync();
        await host.DisposeAsync();
        return host.Fault is { } fault ? await Fail(fault) : 0;
    }

    private static WebApplication Build(NodeSettings settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.AddNodeLogging(settings);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.UseLimits(settings.Limits);
            kestrel.Listen(IPAddress.Parse(settings.Http.Host), settings.Http.Port, listen => listen.UseLimits(HttpProtocols.Http1));
            kestrel.Listen(IPAddress.Parse(settings.Grpc.Host), settings.Grpc.Port, listen => listen.UseLimits(HttpProtocols.Http2));
        });
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = StopLimit);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(OffsetClock.Of(settings.ClockOffset));
        builder.Services.AddSingleton<NodeHost>();
        builder.AddLimits(settings.Limits);
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = settings.Limits.MaxMessageBytes)
            .AddJsonTranscoding(json => json.TypeRegistry = LimitAnswers.ErrorDetails)
            .AddServiceOptions<ClusterService>(cluster => cluster.Interceptors.Add<OperatorInterceptor>())
            .AddServiceOptions<SupervisionService>(supervision => supervision.Interceptors.Add<OperatorInterceptor>())
            .AddServiceOptions<LogsService>(logs => logs.Interceptors.Add<OperatorInterceptor>())
            .AddServiceOptions<WorkersService>(workers => workers.Interceptors.Add<OperatorInterceptor>())
            .AddServiceOptions<PoolService>(pool => pool.Interceptors.Add<OperatorInterceptor>());
        builder.Services.KeepKnownFieldsOnly();
        builder.Services.AddSingleton<OperatorGate>();
        builder.Services.AddSingleton<OperatorStreams>();
        builder.Services.AddSingleton<StatusAnswers>();
        builder.Services.AddGrpcReflection();
        builder.Services.AddGrpcHealthChecks().AddCheck<NodeHost>("node");
        builder.Services.AddNodeMetrics();
        builder.Services.AddTraces(settings);

        var app = builder.Build();
        app.UseCorrelation();
        app.UseLimits(LimitAnswers.Write, OperatorCall.Is);
        app.MapGrpcService<ChainService>();
        app.MapGrpcService<IdentityService>();
        app.MapGrpcService<GraphService>();
        app.MapGrpcService<ClusterService>();
        app.MapGrpcService<SupervisionService>();
        app.MapGrpcService<LogsService>();
        app.MapGrpcService<WorkersService>();
        app.MapGrpcService<PoolService>();
        app.MapGrpcReflectionService();
        app.MapGrpcHealthChecksService();
        app.MapGet("/healthz", () => "ok");
        app.MapHealthChecks("/readyz");
        app.MapNodeMetrics(LimitAnswers.Write);
        app.MapStatusPage();
        return app;
    }

    private static void Greet(WebApplication app, RunningNode node, bool asRecord)
    {
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToList();
        if (asRecord)
        {
            app.Logger.LogInformation("the node of the chain {ChainId} is ready: HTTP {Http} gRPC {Grpc}", node.Genesis.ChainId, addresses[0], addresses[1]);
            return;
        }

        NodeConsole.Write($"""

            VIVIM node of the chain {node.Genesis.ChainId} with {(node.Genesis.Validators.Count == 1 ? "one validator" : $"{node.Genesis.Validators.Count} validators")} is ready.
              HTTP  {addresses[0]}   a status page; health at /readyz, the API as JSON at /v1/status
              gRPC  {addresses[1]}

            Next, in another terminal:
              dotnet run --project Vivim.Cli -- key new alice
              dotnet run --project Vivim.Cli -- id register --key alice
              dotnet run --project Vivim.Cli -- load graph --generate people=200,edges=2000,seed=1
              dotnet run --project Vivim.Cli -- events --from 0

            """);
    }

    private static async Task<int> Fail(string reason)
    {
        await NodeConsole.Fail(reason);
        return Failed;
    }
}
