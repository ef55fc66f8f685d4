using Akka.Cluster;
using Grpc.Core;
using Vivim.Gateway.Node;
using Vivim.Gateway.Operators;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>vivim.v1.Cluster: what the proto says of each call. <see cref="OperatorInterceptor"/> stands before it.</summary>
internal sealed class ClusterService(NodeHost host, ILogger<ClusterService> log) : V1.Cluster.ClusterBase
{
    private Cluster Membership => Cluster.Get(host.Node.System);

    public override Task<V1.ClusterShowResponse> Show(V1.ClusterShowRequest request, ServerCallContext context)
    {
        var cluster = Membership;
        var state = cluster.State;
        var response = new V1.ClusterShowResponse { Leader = state.Leader?.ToString() ?? "" };
        response.Members.AddRange(state.Members.Select(member => cluster.Describe(member)));
        return Task.FromResult(response);
    }

    public override Task<V1.ClusterStatusResponse> Status(V1.ClusterStatusRequest request, ServerCallContext context)
    {
        var cluster = Membership;
        var state = cluster.State;
        var response = new V1.ClusterStatusResponse
        {
            Self = cluster.Describe(cluster.SelfMember),
            Leader = state.Leader?.ToString() ?? "",
            Members = (uint)state.Members.Count,
            UpTime = (ulong)cluster.System.Uptime.TotalMilliseconds,
        };
        response.Unreachable.AddRange(state.Unreachable.Select(member => member.Address.ToString()).Order(StringComparer.Ordinal));
        return Task.FromResult(response);
    }

    public override Task<V1.ClusterLeaderResponse> Leader(V1.ClusterLeaderRequest request, ServerCallContext context)
    {
        var cluster = Membership;
        var leader = cluster.State.Leader;
        return Task.FromResult(new V1.ClusterLeaderResponse { Leader = leader?.ToString() ?? "", IsSelf = cluster.SelfAddress.Equals(leader) });
    }

    public override Task<V1.ClusterLeaveResponse> Leave(V1.ClusterLeaveRequest request, ServerCallContext context)
    {
        var cluster = Membership;
        var member = cluster.Find(request.Address);
        var described = cluster.Describe(member);
        if (member.Status is MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up)
        {
            log.LogInformation("{Operator} makes {Member} leave the cluster", OperatorInterceptor.OperatorOf(context), member.Address);
            cluster.Leave(member.Address);
            described.Status = V1.MemberStatus.Leaving;
        }

        return Task.FromResult(new V1.ClusterLeaveResponse { Member = described });
    }

    public override Task<V1.ClusterDownResponse> Down(V1.ClusterDownRequest request, ServerCallContext context)
    {
        var cluster = Membership;
        var member = cluster.Find(request.Address);
        var isAlive = member.Status is MemberStatus.Up or MemberStatus.WeaklyUp && !cluster.State.Unreachable.Contains(member);
        if (isAlive && !request.Force)
            throw RpcErrors.Of(StatusCode.FailedPrecondition, "MEMBER_IS_UP", $"{member.Address} is up and can be reached, so that it would lose what it is doing: let it leave, or set force (--force)");
        return Task.FromResult(new V1.ClusterDownResponse { Member = Down(cluster, member, context) });
    }

    public override Task<V1.ClusterDownUnreachableResponse> DownUnreachable(V1.ClusterDownUnreachableRequest request, ServerCallContext context)
    {
        var cluster = Membership;
        var response = new V1.ClusterDownUnreachableResponse();
        response.Members.AddRange(cluster.State.Unreachable.Order().Select(member => Down(cluster, member, context)));
        return Task.FromResult(response);
    }

    public override async Task<V1.ListNodesResponse> ListNodes(V1.ListNodesRequest request, ServerCallContext context)
    {
        var response = new V1.ListNodesResponse();
        response.Nodes.AddRange(await NodeList.Of(host.Node, context.CancellationToken));
        return response;
    }

    private V1.Member Down(Cluster cluster, Member member, ServerCallContext context)
    {
        var described = cluster.Describe(member);
        if (member.Status != MemberStatus.Down)
        {
            log.LogInformation("{Operator} declares {Member} down", OperatorInterceptor.OperatorOf(context), member.Address);
            cluster.Down(member.Address);
        }

        described.Status = V1.MemberStatus.Down;
        return described;
    }
}
