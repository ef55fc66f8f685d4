using Vivim.Protocol.Identity;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Client;

/// <summary>
/// An operator's key, looking after the pool of a cluster through one of its nodes; tokens and their refusals as for
/// <see cref="ClusterOperator"/>. Safe for concurrent use. Does not own the key.
/// </summary>
public sealed class PoolOperator
{
    private readonly OperatorCalls calls;
    private readonly V1.Pool.PoolClient pool;

    internal PoolOperator(OperatorCalls calls, V1.Pool.PoolClient pool)
    {
        this.calls = calls;
        this.pool = pool;
    }

    /// <summary>A page of the senders with waiting transactions, the one with the most places first.</summary>
    /// <param name="pageSize">At most 1,000; 0 leaves it to the node.</param>
    /// <param name="pageToken">From the last page; empty for the first.</param>
    public Task<V1.ListSendersResponse> ListSendersAsync(uint pageSize = 0, string pageToken = "", CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => pool.ListSendersAsync(new V1.ListSendersRequest { PageSize = pageSize, PageToken = pageToken }, o), cancellationToken);

    /// <summary>Drops all that a sender has waiting.</summary>
    /// <exception cref="VivimException">POOL_SILENT: the sender's partition does not answer; what it did is not known.</exception>
    public Task<V1.DropSenderResponse> DropSenderAsync(Did sender, CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => pool.DropSenderAsync(new V1.DropSenderRequest { Did = sender.ToString() }, o), cancellationToken);
}
