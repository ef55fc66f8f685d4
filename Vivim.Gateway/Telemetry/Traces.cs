using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Vivim.Actors.Telemetry;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;

namespace Vivim.Gateway.Telemetry;

/// <summary>Sends traces by OTLP where the settings say so; a node without an endpoint has nobody who listens, and makes none.</summary>
internal static class Traces
{
    private const string Service = "vivim";

    /// <summary>Spans that wait to be sent; more are dropped, and never hold up the node.</summary>
    private const int MaxWaiting = 2_048;

    public static void AddTraces(this IServiceCollection services, NodeSettings settings)
    {
        if (settings.Telemetry is not { Endpoint: { } endpoint } telemetry) return;
        // By the trace's id, so that all nodes decide alike. A caller that asks to be traced is no exception: it could have every call traced.
        var ratio = new TraceIdRatioBasedSampler(telemetry.Ratio);
        services.AddOpenTelemetry().WithTracing(traces => traces
            .SetResourceBuilder(ResourceBuilder.CreateEmpty().AddService(Service, serviceVersion: NodeHost.Version, serviceInstanceId: settings.Cluster.NodeName))
            .SetSampler(new ParentBasedSampler(ratio, remoteParentSampled: ratio, remoteParentNotSampled: ratio))
            .AddAspNetCoreInstrumentation(server => server.Filter = static context => IsCall(context.Request.Path))
            .AddSource(TransactionTrace.SourceName)
            .AddOtlpExporter(otlp =>
            {
                otlp.Endpoint = endpoint;
                otlp.Protocol = telemetry.IsHttp ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
                otlp.BatchExportProcessorOptions.MaxQueueSize = MaxWaiting;
            }));
    }

    /// <summary>Calls of the API, not what asks for health and figures all the time.</summary>
    private static bool IsCall(PathString path) => path.StartsWithSegments("/v1", StringComparison.Ordinal) || path.Value?.StartsWith("/vivim.v1.", StringComparison.Ordinal) == true;
}
