using Akka.Cluster;
using Grpc.Core;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>The cluster's members: found by what a request says, and as API messages.</summary>
internal static class ClusterMembers
{
    /// <summary>The member with this address, as <c>Show</c> prints it.</summary>
    /// <exception cref="RpcException">MEMBER_UNKNOWN, listing those there are.</exception>
    public static Member Find(this Cluster cluster, string address)
    {
        var members = cluster.State.Members;
        return members.FirstOrDefault(member => member.Address.ToString() == address)
            ?? throw RpcErrors.Of(StatusCode.NotFound, "MEMBER_UNKNOWN", $"there is no such member; there are: {string.Join(", ", members.Select(member => member.Address))}");
    }

    public static V1.Member Describe(this Cluster cluster, Member member)
    {
        var isUnreachable = cluster.State.Unreachable.Contains(member);
        var message = new V1.Member
        {
            Address = member.Address.ToString(),
            Uid = member.UniqueAddress.Uid,
            Status = StatusOf(member.Status),
            AppVersion = member.AppVersion.Version,
            Unreachable = isUnreachable,
            IsSelf = member.UniqueAddress.Equals(cluster.SelfUniqueAddress),
            // Which members have lost it Akka.Cluster keeps to itself; what this node's own failure detector says is known.
            UnreachableFromHere = isUnreachable && !cluster.FailureDetector.IsAvailable(member.Address),
        };
        message.Roles.AddRange(member.Roles.Order(StringComparer.Ordinal));
        return message;
    }

    private static V1.MemberStatus StatusOf(MemberStatus status) => status switch
    {
        MemberStatus.Joining => V1.MemberStatus.Joining,
        MemberStatus.WeaklyUp => V1.MemberStatus.WeaklyUp,
        MemberStatus.Up => V1.MemberStatus.Up,
        MemberStatus.Leaving => V1.MemberStatus.Leaving,
        MemberStatus.Exiting => V1.MemberStatus.Exiting,
        MemberStatus.Down => V1.MemberStatus.Down,
        MemberStatus.Removed => V1.MemberStatus.Removed,
        _ => V1.MemberStatus.Unspecified,
    };
}
