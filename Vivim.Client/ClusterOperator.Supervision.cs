using System.Runtime.CompilerServices;
using Grpc.Core;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Client;

/// <summary>What happens to the actors of the cluster, and where they are.</summary>
public sealed partial class ClusterOperator
{
    /// <summary>
    /// The supervision events of all nodes of the cluster, until cancelled. When the node or the connection to it breaks the stream ends
    /// with an exception: who watches decides whether, and from when on, to watch again.
    /// </summary>
    /// <exception cref="VivimException">Also INVALID_ARGUMENT, NODE_UNREACHABLE.</exception>
    public IAsyncEnumerable<V1.WatchSupervisionResponse> WatchSupervisionAsync(V1.WatchSupervisionRequest request, CancellationToken cancellationToken = default) =>
        StreamAsync(o => supervision.Watch(request, o), cancellationToken);

    /// <summary>The paths of the node's actors as they are now.</summary>
    /// <param name="depth">Levels below the start; 0: all.</param>
    /// <param name="start">The path to start at; empty: the root.</param>
    /// <exception cref="VivimException">Also ACTOR_UNKNOWN.</exception>
    public Task<V1.ActorHierarchyResponse> GetActorHierarchyAsync(uint depth = 0, string start = "", CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => supervision.ActorHierarchyAsync(new V1.ActorHierarchyRequest { Depth = depth, Start = start }, o), cancellationToken);

    /// <summary>Where the shards of a type are.</summary>
    /// <exception cref="VivimException">Also REGION_UNKNOWN.</exception>
    public Task<V1.RegionStatsResponse> GetRegionStatsAsync(string type, CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => supervision.RegionStatsAsync(new V1.RegionStatsRequest { Type = type }, o), cancellationToken);

    private async IAsyncEnumerable<T> StreamAsync<T>(Func<CallOptions, AsyncServerStreamingCall<T>> open, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var headers = await calls.HeadersAsync(cancellationToken);
        using var call = open(new CallOptions(headers, cancellationToken: cancellationToken));
        while (true)
        {
            try
            {
                if (!await call.ResponseStream.MoveNext(cancellationToken)) yield break;
            }
            catch (RpcException e) when (cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException("the stream was cancelled", e, cancellationToken);
            }
            catch (RpcException e)
            {
                throw VivimException.From(e, calls.Node);
            }

            yield return call.ResponseStream.Current;
        }
    }
}
