using System.Diagnostics;
using Vivim.Actors.Telemetry;

namespace Vivim.Gateway.Telemetry;

/// <summary>
/// The id of a call: that of its W3C trace, 32 hexadecimal digits, the caller's own where it has sent a traceparent. It is answered to the caller, is in
/// the errors it gets, in what the node logs about the call, and in traces. There is one for every call, traced or not.
/// </summary>
internal static class Correlation
{
    /// <summary>The response header, in gRPC the metadata, that tells it.</summary>
    public const string Header = "vivim-correlation-id";

    /// <summary>Of the call under way; empty where there is none.</summary>
    public static string Id => Activity.Current?.TraceId.ToHexString() ?? "";

    /// <summary>The W3C traceparent of the call under way; empty where there is none. Without a tracer it is not sampled, whatever the caller has said.</summary>
    public static string TraceParent => Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } id } ? TransactionTrace.IsOn ? id : TransactionTrace.Unsampled(id) : "";

    /// <summary>Tells every caller the id of its call.</summary>
    public static void UseCorrelation(this WebApplication app) => app.Use(static async (context, next) =>
    {
        // The server makes an activity for each call as long as anybody may log about it.
        using var own = Activity.Current is null ? new Activity("vivim.call").SetIdFormat(ActivityIdFormat.W3C).Start() : null;
        context.Response.Headers[Header] = Id;
        await next(context);
    });
}
