using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Rpc;
using Grpc.Core;
using Vivim.Gateway.Limits;

namespace Vivim.Gateway.Rpc;

/// <summary>
/// Tells a caller that a limit refuses its call, before any service has seen it, in the form in which that service would: gRPC or JSON.
/// </summary>
internal static class LimitAnswers
{
    /// <summary>The messages that stand as details in errors.</summary>
    public static TypeRegistry ErrorDetails { get; } =
        TypeRegistry.FromMessages(ErrorInfo.Descriptor, RetryInfo.Descriptor, RequestInfo.Descriptor);

    private static readonly JsonFormatter Json = new(JsonFormatter.Settings.Default.WithTypeRegistry(ErrorDetails));

    /// <summary>Answers the call.</summary>
    public static Task Write(HttpContext http, LimitRefusal refusal)
    {
        var status = RpcErrors.TryLater(refusal.Reason, refusal.Message, LimitRefusal.RetryAfter).GetRpcStatus()!;
        if (!IsGrpc(http))
        {
            http.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            http.Response.Headers.RetryAfter = LimitRefusal.RetryAfter.TotalSeconds.ToString(CultureInfo.InvariantCulture);
            http.Response.ContentType = "application/json";
            return http.Response.WriteAsync(Json.Format(status), http.RequestAborted);
        }

        // "Trailers-Only" of the gRPC protocol: an answer without a message has its status in the headers.
        http.Response.ContentType = "application/grpc";
        http.Response.Headers["grpc-status"] = ((int)StatusCode.ResourceExhausted).ToString(CultureInfo.InvariantCulture);
        http.Response.Headers["grpc-message"] = refusal.Message;
        http.Response.Headers["grpc-status-details-bin"] = Convert.ToBase64String(status.ToByteArray());
        return Task.CompletedTask;
    }

    /// <summary>Whether the caller expects an answer of gRPC. Of a call that no service knows, only its header says so.</summary>
    private static bool IsGrpc(HttpContext http) =>
        !CallForm.IsJson(http) && http.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) == true;
}
