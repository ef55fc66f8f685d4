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
    /// <exception cref="VivimException">The node refused, was never reached, or has been away for the back-off's limit.</exception>
    public static async IAsyncEnumerable<T> ReadAsync<T>(
        Func<CancellationToken, AsyncServerStreamingCall<T>> open, bool endless, Uri node, Backoff backoff, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reached = false;
        while (true)
        {
            using var call = open(cancellationToken);
            while (true)
            {
                bool more;
                try
                {
                    if (!reached)
                    {
                        await call.ResponseHeadersAsync;
                        reached = true;
                    }

                    more = await call.ResponseStream.MoveNext(cancellationToken);
                }
                catch (RpcException e) when (cancellationToken.IsCancellationRequested)
                {
                    throw new OperationCanceledException("the stream was cancelled", e, cancellationToken);
                }
                catch (RpcException e)
                {
                    var failure = VivimException.From(e, node);
                    if (!failure.OutcomeUnknown || !reached || backoff.IsExhausted) throw failure;
                    break;
                }

                if (!more && !endless) yield break;
                if (!more) break;
                backoff.Progress();
                yield return call.ResponseStream.Current;
            }

            await backoff.WaitAsync(cancellationToken);
        }
    }
}
