using V1 = Vivim.Protocol.V1;

namespace Vivim.Client;

/// <summary>
/// An operator's key, administering a cluster through one of its nodes. Each call carries a token that the key has signed for the node's
/// chain; one token serves for a minute. Every method throws <see cref="VivimException"/> with TOKEN_… or NOT_AN_OPERATOR when the
/// node does not let this key administer. Safe for concurrent use. Does not own the key.
/// </summary>
public sealed partial class ClusterOperator
{
    private readonly OperatorCalls calls;
    private readonly V1.Cluster.ClusterClient cluster;
    private readonly V1.Supervision.SupervisionClient supervision;
    private readonly V1.Logs.LogsClient logs;

    internal ClusterOperator(OperatorCalls calls, V1.Cluster.ClusterClient cluster, V1.Supervision.SupervisionClient supervision, V1.Logs.LogsClient logs)
    {
        this.calls = calls;
        this.cluster = cluster;
        this.supervision = supervision;
        this.logs = logs;
    }

    /// <summary>The members, as the node sees them.</summary>
    public Task<V1.ClusterShowResponse> ShowAsync(CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => cluster.ShowAsync(new V1.ClusterShowRequest(), o), cancellationToken);

    /// <summary>How the node sees itself.</summary>
    public Task<V1.ClusterStatusResponse> GetStatusAsync(CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => cluster.StatusAsync(new V1.ClusterStatusRequest(), o), cancellationToken);

    /// <summary>Who leads.</summary>
    public Task<V1.ClusterLeaderResponse> GetLeaderAsync(CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => cluster.LeaderAsync(new V1.ClusterLeaderRequest(), o), cancellationToken);

    /// <summary>Asks a member to leave in order, and does not wait for it.</summary>
    /// <param name="address">As <see cref="ShowAsync"/> has it.</param>
    /// <exception cref="VivimException">Also MEMBER_UNKNOWN.</exception>
    public Task<V1.ClusterLeaveResponse> LeaveAsync(string address, CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => cluster.LeaveAsync(new V1.ClusterLeaveRequest { Address = address }, o), cancellationToken);

    /// <summary>Declares a member dead.</summary>
    /// <param name="address">As <see cref="ShowAsync"/> has it.</param>
    /// <param name="force">Even one that is up and can be reached.</param>
    /// <exception cref="VivimException">Also MEMBER_UNKNOWN, MEMBER_IS_UP.</exception>
    public Task<V1.ClusterDownResponse> DownAsync(string address, bool force = false, CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => cluster.DownAsync(new V1.ClusterDownRequest { Address = address, Force = force }, o), cancellationToken);

    /// <summary>Declares dead whoever the node cannot reach.</summary>
    public Task<V1.ClusterDownUnreachableResponse> DownUnreachableAsync(CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => cluster.DownUnreachableAsync(new V1.ClusterDownUnreachableRequest(), o), cancellationToken);

    /// <summary>The nodes with what runs on them.</summary>
    public Task<V1.ListNodesResponse> ListNodesAsync(CancellationToken cancellationToken = default) =>
        calls.CallAsync(o => cluster.ListNodesAsync(new V1.ListNodesRequest(), o), cancellationToken);
}
