namespace Vivim.Gateway.Metrics;

/// <summary>
/// The text of /metrics, made at most once a second and shared by all who ask meanwhile. It is made into memory: the exporter lets nobody else
/// read while it writes to a caller, so it never writes to one.
/// </summary>
/// <param name="render">The exporter's endpoint.</param>
internal sealed class MetricsPage(RequestDelegate render, NodeMetrics metrics, IServiceProvider services, TimeProvider clock)
{
    /// <summary>Bytes of the longest text; one beyond it is an error.</summary>
    public const int MaxBytes = 4 << 20;

    /// <summary>How long a text serves.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private Task<ReadOnlyMemory<byte>>? text;
    private long begun;

    /// <summary>The text, begun at most a second ago or not made yet.</summary>
    public Task<ReadOnlyMemory<byte>> Read(CancellationToken cancellation)
    {
        lock (gate)
        {
            var isOld = text is null or { IsFaulted: true } || (text.IsCompleted && clock.GetElapsedTime(begun) >= Lifetime);
            if (!isOld) return text!.WaitAsync(cancellation);
            begun = clock.GetTimestamp();
            text = Task.Run(Render, CancellationToken.None);
            return text.WaitAsync(cancellation);
        }
    }

    private async Task<ReadOnlyMemory<byte>> Render()
    {
        await metrics.CountPool();
        using var body = new MemoryStream();
        var http = new DefaultHttpContext { RequestServices = services };
        http.Request.Method = HttpMethods.Get;
        http.Response.Body = body;
        await render(http);
        if (http.Response.StatusCode != StatusCodes.Status200OK)
            throw new InvalidOperationException($"the exporter of figures has failed with {http.Response.StatusCode}");
        return body.ToArray();
    }
}
