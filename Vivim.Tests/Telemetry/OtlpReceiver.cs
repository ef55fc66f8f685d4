using System.Collections.Concurrent;
using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Vivim.Tests.Telemetry.Otlp;

namespace Vivim.Tests.Telemetry;

/// <summary>A receiver of OTLP over gRPC, which reads what OpenTelemetry's exporter sends.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly Received received = new();

    private OtlpReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(received);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        app = builder.Build();
        app.MapGrpcService<Service>();
    }

    public string Address => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>All that has come so far.</summary>
    public IReadOnlyList<ResourceSpans> Resources => [.. received.Resources];

    public IReadOnlyList<Span> Spans => [.. received.Resources.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans)];

    /// <summary>Every span with the name of the node that has sent it.</summary>
    public IReadOnlyList<(string Node, Span Span)> SpansByNode =>
    [
        .. received.Resources.SelectMany(
            resource => resource.ScopeSpans.SelectMany(scope => scope.Spans),
            (resource, span) => (resource.Resource.Attributes.Single(attribute => attribute.Key == "service.instance.id").Value.StringValue, span)),
    ];

    public static async Task<OtlpReceiver> StartAsync()
    {
        var receiver = new OtlpReceiver();
        await receiver.app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private sealed class Received
    {
        public ConcurrentQueue<ResourceSpans> Resources { get; } = new();
    }

    private sealed class Service(Received received) : TraceService.TraceServiceBase
    {
        public override Task<ExportTraceServiceResponse> Export(ExportTraceServiceRequest request, ServerCallContext context)
        {
            foreach (var resource in request.ResourceSpans) received.Resources.Enqueue(resource);
            return Task.FromResult(new ExportTraceServiceResponse());
        }
    }
}
