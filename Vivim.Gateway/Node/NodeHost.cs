using System.Reflection;
using Akka.Actor;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Vivim.Actors.Logging;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Metrics;
using Vivim.Gateway.Rpc;

namespace Vivim.Gateway.Node;

/// <summary>
/// Holds the node for the services: the ports are bound before it starts, so calls can come early and get NOT_READY. Also the readiness check.
/// </summary>
internal sealed class NodeHost(NodeSettings settings, TimeProvider clock, ILoggerFactory loggers, NodeMetrics metrics, LogBook log, IHostApplicationLifetime lifetime) : IHealthCheck, IAsyncDisposable
{
    private volatile RunningNode? node;
    private volatile bool isReady;
    private volatile bool isStopping;
    private volatile string? fault;

    /// <summary>The program's version, as it was built.</summary>
    public static string Version { get; } = typeof(NodeHost).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <exception cref="Grpc.Core.RpcException">NOT_READY.</exception>
    public RunningNode Node => node ?? throw RpcErrors.NotReady();

    /// <summary>Why the node stopped by itself; null when it did not.</summary>
    public string? Fault => fault;

    /// <summary>Whether the node serves.</summary>
    public bool IsReady => isReady && !isStopping;

    /// <summary>Starts the node.</summary>
    /// <exception cref="StartException">It cannot start.</exception>
    public async Task Start(CancellationToken cancellation)
    {
        var started = await RunningNode.Start(settings, clock, loggers, OnFault, cancellation);
        lifetime.ApplicationStopping.Register(started.EndWaits);
        metrics.Watch(started);
        var name = settings.Cluster.IsAlone ? null : settings.Cluster.Name;
        started.System.ActorOf(Props.Create(() => new LogKeeper(log, name)), LogKeeper.Name);
        node = started;
        _ = started.System.WhenTerminated.ContinueWith(_ => OnRemoved(started.System), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        await started.Serve(cancellation);
        isReady = true;
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(IsReady ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("the node is starting or stopping"));

    public async ValueTask DisposeAsync()
    {
        isStopping = true;
        var running = node;
        node = null;
        if (running is not null) await running.DisposeAsync();
    }

    /// <summary>The actor system has ended by itself: the node was asked to leave its cluster, or the cluster goes on without it.</summary>
    private void OnRemoved(ActorSystem system)
    {
        if (isStopping) return;
        if (CoordinatedShutdown.Get(system).ShutdownReason is CoordinatedShutdown.ClusterLeavingReason) lifetime.StopApplication();
        else OnFault("the cluster goes on without this node, which was cut off or downed: start it again to join");
    }

    private void OnFault(string reason)
    {
        fault ??= reason;
        lifetime.StopApplication();
    }
}
