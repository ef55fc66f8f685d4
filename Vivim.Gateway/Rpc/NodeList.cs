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

    public static async Task<V1.ClusterNode[]> Of(RunningNode node, CancellationToken cancellation)
    {
        var cluster = Cluster.Get(node.System);
        var names = await node.NodeNames(cancellation);
        return await Task.WhenAll(cluster.State.Members.Select(member => Describe(node, cluster, member, names.GetValueOrDefault(member.Address, ""), cancellation)));
    }

    private static async Task<V1.ClusterNode> Describe(RunningNode node, Cluster cluster, Member member, string name, CancellationToken cancellation)
    {
        // A node on its own has no name.
        var message = new V1.ClusterNode { Name = name.Length > 0 ? name : member.Address.ToString(), Member = cluster.Describe(member) };
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
}
