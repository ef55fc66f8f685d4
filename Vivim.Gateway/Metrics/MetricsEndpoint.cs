using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry.Metrics;
using Vivim.Actors.Messaging;
using Vivim.Actors.Remoting;
using Vivim.Actors.Telemetry;
using Vivim.Gateway.Limits;

namespace Vivim.Gateway.Metrics;

/// <summary>/metrics, in the text form of Prometheus: the node's own figures and those of the .NET runtime (memory, collections, threads, CPU).</summary>
internal static class MetricsEndpoint
{
    /// <summary>Makes the figures.</summary>
    public static void AddNodeMetrics(this IServiceCollection services)
    {
        services.AddSingleton<NodeMetrics>();
        string[] meters = [NodeMetrics.Name, LimitTally.MeterName, BusMeter.Name, JournalMeter.Name, RefusedMessages.MeterName, "System.Runtime"];
        services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(meters).AddPrometheusExporter(exporter =>
        {
            // Both describe the exporting library and would only lengthen every line.
            exporter.ScopeInfoEnabled = false;
            exporter.TargetInfoEnabled = false;
            exporter.MaxScrapeResponseSizeBytes = MetricsPage.MaxBytes;
        }));
    }

    /// <summary>Serves the figures.</summary>
    /// <param name="refuse">Answers a call for which there are no bytes.</param>
    public static void MapNodeMetrics(this WebApplication app, Func<HttpContext, LimitRefusal, Task> refuse)
    {
        var exporter = ((IApplicationBuilder)app).New().UseOpenTelemetryPrometheusScrapingEndpoint(static _ => true).Build();
        var services = app.Services;
        var page = new MetricsPage(exporter, services.GetRequiredService<NodeMetrics>(), services, services.GetRequiredService<TimeProvider>());
        app.MapGet("/metrics", async (HttpContext http) =>
        {
            var text = await page.Read(http.RequestAborted);
            // A slow reader keeps its text from being freed.
            using var held = await http.Features.GetRequiredFeature<CallUnderWay>().Take(text.Length, http.RequestAborted);
            if (held is null)
            {
                await refuse(http, LimitRefusal.Answers);
                return;
            }

            http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            await http.Response.BodyWriter.WriteAsync(text, http.RequestAborted);
        });
    }
}
