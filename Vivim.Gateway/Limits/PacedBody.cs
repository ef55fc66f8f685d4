using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace Vivim.Gateway.Limits;

/// <summary>
/// The body of every answer: whatever a service writes to it, in whichever way, goes through a <see cref="PacedWriter"/>.
/// </summary>
internal sealed class PacedBody(IHttpResponseBodyFeature server, CallUnderWay call) : IHttpResponseBodyFeature
{
    private readonly PacedWriter writer = new(server.Writer, call);
    private Stream? stream;

    public Stream Stream => stream ??= writer.AsStream(leaveOpen: true);

    public PipeWriter Writer => writer;

    public void DisableBuffering() => server.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => server.StartAsync(cancellationToken);

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        SendFileFallback.SendFileAsync(Stream, path, offset, count, cancellationToken);

    public async Task CompleteAsync()
    {
        // A deadline completes an answer whose write is still under way.
        if (!writer.IsFlushing) await Finish(CancellationToken.None);
        await server.CompleteAsync();
    }

    /// <summary>Writes what the service has left unwritten.</summary>
    public async Task Finish(CancellationToken cancellation)
    {
        if (writer.UnflushedBytes > 0) await writer.FlushAsync(cancellation);
    }

    /// <summary>Forgets what is not written.</summary>
    public void Drop() => writer.Drop();
}
