using System.Runtime.CompilerServices;
using Grpc.Core;

namespace Vivim.Client;

/// <summary>Reads a server stream that is opened again where it stopped when the connection breaks.</summary>
internal static class ResumableStream
{
    /// <summary>
    /// Yields the items of one call after the other. <paramref name="open"/> starts a call at the reader's current position;
    /// items near the break can come twice.
    /// </summary>
    /// <param name="endless">The stream follows the chain: an end is a break.</param>
    /// <exception cref="VivimException">The node refused, or has been away for the back-off's limit.</exception>
    public static async IAsyncEnumerable<T> ReadAsync<T>(
        Func<CancellationToken, AsyncServerStreamingCall<T>> open, bool endless, Uri node, Backoff backoff, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            using var call = open(cancellationToken);
            var failure = new VivimException(VivimException.Unreachable, $"the node at {node.OriginalString} ends the stream again and again; look at its log");
            while (true)
            {
                bool more;
                try
                {
                    more = await call.ResponseStream.MoveNext(cancellationToken);
                }
                catch (RpcException e) when (cancellationToken.IsCancellationRequested)
                {
                    throw new OperationCanceledException("the stream was cancelled", e, cancellationToken);
                }
                catch (RpcException e)
                {
                    failure = VivimException.From(e, node);
                    if (!failure.IsTransient) throw failure;
                    break;
                }

                if (!more && !endless) yield break;
                if (!more) break;
                backoff.Progress();
                yield return call.ResponseStream.Current;
            }

            if (!await backoff.TryWaitAsync(cancellationToken, failure.RetryAfter)) throw failure;
        }
    }
}
