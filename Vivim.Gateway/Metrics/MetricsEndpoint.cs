using OpenTelemetry.Metrics;
using Vivim.Actors.Messaging;
using Vivim.Actors.Remoting;
using Vivim.Actors.Telemetry;

namespace Vivim.Gateway.Metrics;

/// <summary>/metrics, in the text form of Prometheus: the node's own figures and those of the .NET runtime (memory, collections, threads, CPU).</summary>
internal static class MetricsEndpoint
{
    public static void AddNodeMetrics(this IServiceCollection services)
    {
        services.AddSingleton<NodeMetrics>();
        services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(NodeMetrics.Name, BusMeter.Name, JournalMeter.Name, RefusedMessages.MeterName, "System.Runtime").AddPrometheusExporter(exporter =>
        {
            // Both describe the exporting library and would only lengthen every line.
            exporter.ScopeInfoEnabled = false;
            exporter.TargetInfoEnabled = false;
        }));
    }

    public static void MapNodeMetrics(this WebApplication app)
    {
        var metrics = app.Services.GetRequiredService<NodeMetrics>();
        app.MapPrometheusScrapingEndpoint("/metrics", null, pipeline => pipeline.Use(async (_, next) =>
        {
            await metrics.CountPool();
            await next();
        }), null);
    }
}
