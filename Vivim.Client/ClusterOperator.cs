using Grpc.Core;
using Grpc.Net.Client;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Client;

/// <summary>
/// An operator's key, administering a cluster through one of its nodes. Each call carries a token that the key has signed for the node's chain;
/// one token serves for a minute. Every method throws <see cref="VivimException"/> with TOKEN_…, NOT_AN_OPERATOR or ADMINISTRATION_LIMITED when the
/// node does not let this key administer. Safe for concurrent use. Does not own the key.
/// </summary>
public sealed partial class ClusterOperator
{
    /// <summary>How long a token is valid.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    /// <summary>What must be left of a token's time for another call: calls and clocks take a part of it.</summary>
    private static readonly TimeSpan Reserve = TimeSpan.FromMinutes(1);

    private readonly VivimClient client;
    private readonly V1.Cluster.ClusterClient cluster;
    private readonly V1.Supervision.SupervisionClient supervision;
    private readonly SigningKey key;
    private readonly TimeProvider time;
    private volatile CallerToken? token;

    internal ClusterOperator(VivimClient client, GrpcChannel channel, SigningKey key, TimeProvider time)
    {
        this.client = client;
        cluster = new V1.Cluster.ClusterClient(channel);
        supervision = new V1.Supervision.SupervisionClient(channel);
        this.key = key;
        this.time = time;
    }

    /// <summary>The members, as the node sees them.</summary>
    public Task<V1.ClusterShowResponse> ShowAsync(CancellationToken cancellationToken = default) =>
        CallAsync(o => cluster.ShowAsync(new V1.ClusterShowRequest(), o), cancellationToken);

    /// <summary>How the node sees itself.</summary>
    public Task<V1.ClusterStatusResponse> GetStatusAsync(CancellationToken cancellationToken = default) =>
        CallAsync(o => cluster.StatusAsync(new V1.ClusterStatusRequest(), o), cancellationToken);

    /// <summary>Who leads.</summary>
    public Task<V1.ClusterLeaderResponse> GetLeaderAsync(CancellationToken cancellationToken = default) =>
        CallAsync(o => cluster.LeaderAsync(new V1.ClusterLeaderRequest(), o), cancellationToken);

    /// <summary>Asks a member to leave in order, and does not wait for it.</summary>
    /// <param name="address">As <see cref="ShowAsync"/> has it.</param>
    /// <exception cref="VivimException">Also MEMBER_UNKNOWN.</exception>
    public Task<V1.ClusterLeaveResponse> LeaveAsync(string address, CancellationToken cancellationToken = default) =>
        CallAsync(o => cluster.LeaveAsync(new V1.ClusterLeaveRequest { Address = address }, o), cancellationToken);

    /// <summary>Declares a member dead.</summary>
    /// <param name="address">As <see cref="ShowAsync"/> has it.</param>
    /// <param name="force">Even one that is up and can be reached.</param>
    /// <exception cref="VivimException">Also MEMBER_UNKNOWN, MEMBER_IS_UP.</exception>
    public Task<V1.ClusterDownResponse> DownAsync(string address, bool force = false, CancellationToken cancellationToken = default) =>
        CallAsync(o => cluster.DownAsync(new V1.ClusterDownRequest { Address = address, Force = force }, o), cancellationToken);

    /// <summary>Declares dead whoever the node cannot reach.</summary>
    public Task<V1.ClusterDownUnreachableResponse> DownUnreachableAsync(CancellationToken cancellationToken = default) =>
        CallAsync(o => cluster.DownUnreachableAsync(new V1.ClusterDownUnreachableRequest(), o), cancellationToken);

    /// <summary>The nodes with what runs on them.</summary>
    public Task<V1.ListNodesResponse> ListNodesAsync(CancellationToken cancellationToken = default) =>
        CallAsync(o => cluster.ListNodesAsync(new V1.ListNodesRequest(), o), cancellationToken);

    private async Task<T> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancellationToken)
    {
        var headers = await HeadersAsync(cancellationToken);
        return await client.CallAsync(o => call(o.WithHeaders(headers)), cancellationToken);
    }

    private async Task<Metadata> HeadersAsync(CancellationToken cancellationToken) => new() { { "authorization", $"Bearer {await TokenAsync(cancellationToken)}" } };

    private async Task<string> TokenAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var current = token;
        if (current is null || now < current.IssuedAt || current.ExpiresAt - now < Reserve.TotalMilliseconds)
        {
            var chainId = current?.ChainId ?? (await client.GetStatusAsync(cancellationToken)).ChainId;
            token = current = CallerToken.Sign(chainId, key, now, Lifetime);
        }

        return current.ToText();
    }
}
