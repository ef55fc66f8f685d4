using OpenTelemetry.Metrics;
using Vivim.Actors.Messaging;
using Vivim.Actors.Remoting;
using Vivim.Actors.Telemetry;
using Vivim.Gateway.Limits;

namespace Vivim.Gateway.Metrics;

/// <summary>/metrics, in the text form of Prometheus: the node's own figures and those of the .NET runtime (memory, collections, threads, CPU).</summary>
internal static class MetricsEndpoint
{
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

    public static void MapNodeMetrics(this WebApplication app)
    {
        var exporter = ((IApplicationBuilder)app).New().UseOpenTelemetryPrometheusScrapingEndpoint(static _ => true).Build();
        var page = new MetricsPage(exporter, app.Services.GetRequiredService<NodeMetrics>(), app.Services);
        app.MapGet("/metrics", async (HttpContext http) =>
        {
            var text = await page.Read(http.RequestAborted);
            http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            await http.Response.BodyWriter.WriteAsync(text, http.RequestAborted);
        });
    }
}
