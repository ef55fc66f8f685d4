using System.Net.ServerSentEvents;
using Microsoft.AspNetCore.Http.HttpResults;
using Vivim.Gateway.Limits;
using Vivim.Gateway.Node;
using Vivim.Gateway.Rpc;

namespace Vivim.Gateway.StatusPage;

/// <summary>
/// The status page at <c>/</c> and what it lives on, <c>/events/status</c>: for anybody who reaches the HTTP port, so public facts only
/// (docs/decisions/0013).
/// </summary>
internal static class StatusEndpoint
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Serves the page and its stream.</summary>
    public static void MapStatusPage(this WebApplication app)
    {
        MapFile(app, "/", "status.html", "text/html; charset=utf-8");
        MapFile(app, "/status.css", "status.css", "text/css; charset=utf-8");
        MapFile(app, "/status.js", "status.js", "text/javascript; charset=utf-8");
        var viewers = new StatusViewers();
        app.MapGet("/events/status", (HttpContext http, NodeHost host, StatusAnswers answers, IHostApplicationLifetime lifetime) =>
            Stream(http, host, answers, lifetime, viewers));
    }

    private static void MapFile(WebApplication app, string path, string resource, string type)
    {
        using var embedded = typeof(StatusEndpoint).Assembly.GetManifestResourceStream(resource)!;
        var content = new byte[embedded.Length];
        embedded.ReadExactly(content);
        app.MapGet(path, (HttpResponse response) =>
        {
            response.Headers.ContentSecurityPolicy = Policy;
            response.Headers.XContentTypeOptions = "nosniff";
            response.Headers["Referrer-Policy"] = "no-referrer";
            response.Headers.CacheControl = "no-cache";
            return TypedResults.Bytes(content, type);
        });
    }

    private static Results<ServerSentEventsResult<string>, ProblemHttpResult> Stream(
        HttpContext http, NodeHost host, StatusAnswers answers, IHostApplicationLifetime lifetime, StatusViewers viewers)
    {
        var address = CallerAddress.Of(http.Connection.RemoteIpAddress);
        if (!host.IsReady) return Refused("the node is starting or stopping: try again shortly");
        if (!viewers.TryOpen(address))
            return Refused("as many pages are open already as may be, from this address or in all: close one, or ask /v1/status");
        var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
        http.Response.OnCompleted(() =>
        {
            viewers.Close(address);
            end.Dispose();
            return Task.CompletedTask;
        });
        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.ServerSentEvents(new StatusStream(host.Node, answers).Read(end.Token));
    }

    private static ProblemHttpResult Refused(string reason) =>
        TypedResults.Problem(reason, statusCode: StatusCodes.Status503ServiceUnavailable);
}
