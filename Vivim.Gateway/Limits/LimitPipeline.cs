using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Vivim.Gateway.Configuration;

namespace Vivim.Gateway.Limits;

/// <summary>Puts the limits before every connection and every call, so that no service can be without them.</summary>
internal static class LimitPipeline
{
    /// <summary>
    /// Bytes that the server reads ahead of, and keeps behind, what is served: of an HTTP/1.1 connection, or of an HTTP/2 connection's
    /// requests.
    /// </summary>
    private const int SocketBufferBytes = 64 * 1024;

    private const int RequestWindowBytes = 256 * 1024;

    private const int MaxHeaderBytes = 16 * 1024;

    /// <summary>How long a connection may be without a call.</summary>
    private static readonly TimeSpan IdleLimit = TimeSpan.FromMinutes(2);

    /// <summary>
    /// The server asks an HTTP/2 connection that says nothing for so long whether it is still there, and ends it without an answer.
    /// </summary>
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(30);

    /// <summary>Makes the limits.</summary>
    public static void AddLimits(this WebApplicationBuilder builder, LimitSettings settings)
    {
        builder.WebHost.UseSockets(sockets =>
        {
            sockets.MaxReadBufferSize = SocketBufferBytes;
            sockets.MaxWriteBufferSize = SocketBufferBytes;
        });
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton<LimitTally>();
        builder.Services.AddSingleton(services =>
            new BytesInFlight(settings.MaxBytesInFlight, services.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton<ConnectionLimiter>();
        builder.Services.AddSingleton<CallLimiter>();
        builder.Services.AddHostedService<LimitSweep>();
    }

    /// <summary>Sets what the server itself can hold.</summary>
    public static void UseLimits(this KestrelServerOptions kestrel, LimitSettings settings)
    {
        var limits = kestrel.Limits;
        limits.MaxRequestBodySize = settings.MaxMessageBytes;
        limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        limits.RequestHeadersTimeout = settings.FirstCallWithin;
        limits.KeepAliveTimeout = IdleLimit;
        limits.Http2.MaxStreamsPerConnection = settings.MaxStreamsPerConnection;
        limits.Http2.InitialConnectionWindowSize = RequestWindowBytes;
        limits.Http2.InitialStreamWindowSize = RequestWindowBytes;
        limits.Http2.KeepAlivePingDelay = PingDelay;
    }

    /// <summary>Serves connections of one protocol, within the limits.</summary>
    public static void UseLimits(this ListenOptions listen, HttpProtocols protocol)
    {
        listen.Protocols = protocol;
        var limiter = listen.ApplicationServices.GetRequiredService<ConnectionLimiter>();
        listen.Use(next => connection => limiter.Serve(connection, next));
    }

    /// <summary>Serves calls within the limits.</summary>
    /// <param name="refuse">Answers a call that is not served.</param>
    /// <param name="isOperators">Whether a call is an operator's.</param>
    public static void UseLimits(this WebApplication app, Func<HttpContext, LimitRefusal, Task> refuse, Func<HttpContext, bool> isOperators)
    {
        var limiter = app.Services.GetRequiredService<CallLimiter>();
        app.Use((http, next) => limiter.Serve(http, next, refusal => refuse(http, refusal), () => isOperators(http)));
    }
}
