using Grpc.AspNetCore.Server;

namespace Vivim.Gateway.Limits;

/// <summary>In which form a method is called. The endpoint that serves a call decides it, whatever the caller says of itself.</summary>
internal static class CallForm
{
    /// <summary>Whether a call is served as JSON: its endpoint has a gRPC method, and another path than that method's own.</summary>
    public static bool IsJson(HttpContext http) =>
        http.GetEndpoint() is RouteEndpoint endpoint
        && endpoint.Metadata.GetMetadata<GrpcMethodMetadata>() is { } method
        && endpoint.RoutePattern.RawText?.TrimStart('/') != method.Method.FullName.TrimStart('/');
}
