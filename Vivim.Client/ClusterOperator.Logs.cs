using V1 = Vivim.Protocol.V1;

namespace Vivim.Client;

/// <summary>What the nodes log.</summary>
public sealed partial class ClusterOperator
{
    /// <summary>
    /// The newest log records of the cluster's nodes, and with <c>follow</c> what comes, until cancelled. When the node or the connection
    /// to it breaks the stream ends with an exception.
    /// </summary>
    /// <exception cref="VivimException">Also INVALID_ARGUMENT, NODE_UNREACHABLE.</exception>
    public IAsyncEnumerable<V1.TailLogResponse> TailLogAsync(V1.TailLogRequest request, CancellationToken cancellationToken = default) => StreamAsync(o => logs.Tail(request, o), cancellationToken);
}
