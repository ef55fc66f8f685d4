using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Vivim.Chain.Consensus;
using Vivim.Gateway.Node;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>The nodes of the cluster and what each says runs on it.</summary>
internal static class NodeList
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);

    public static Task<V1.ClusterNode[]> Of(RunningNode node, CancellationToken cancellation)
    {
        var cluster = Cluster.Get(node.System);
        return Task.WhenAll(cluster.State.Members.Select(member => Describe(node, cluster, member, cancellation)));
    }

    private static async Task<V1.ClusterNode> Describe(RunningNode node, Cluster cluster, Member member, CancellationToken cancellation)
    {
        var message = new V1.ClusterNode { Name = NameOf(member), Member = cluster.Describe(member) };
        if (message.Member.IsSelf) message.Height = node.Chain.Heights().Newest;
        if (message.Member.Unreachable) return message;
        try
        {
            var region = node.System.ActorSelection(new RootActorPath(member.Address) / "system" / "sharding" / ValidatorDelivery.Region);
            var state = await region.Ask<CurrentShardRegionState>(GetShardRegionState.Instance, AnswerLimit, cancellation);
            message.Validators.AddRange(state.Shards.SelectMany(shard => shard.EntityIds).Select(id => Did.OfKey(new PublicKey(Convert.FromHexString(id))).ToString()).Order(StringComparer.Ordinal));
            message.Answered = true;
        }
        catch (AskTimeoutException)
        {
            // The answer says so.
        }

        return message;
    }

    /// <summary>What operators call a node; its address, as long as nodes have no names of their own.</summary>
    private static string NameOf(Member member) => member.Address.ToString();
}
