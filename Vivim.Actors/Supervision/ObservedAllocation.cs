using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;

namespace Vivim.Actors.Supervision;

/// <summary>
/// Tells the supervision stream of each shard that another strategy gives to another node than it was on before. It runs on the node of the
/// coordinator; after that has moved, a shard's place before is known from the first rebalancing on.
/// </summary>
/// <param name="region">The type of the shard region.</param>
/// <param name="node">Whose event stream is told.</param>
public sealed class ObservedAllocation(string region, IShardAllocationStrategy placed, ActorSystem node) : IActorSystemDependentAllocationStrategy
{
    private readonly Cluster cluster = Cluster.Get(node);
    private readonly Dictionary<string, Address> places = new(StringComparer.Ordinal);

    public void Start(ActorSystem system)
    {
        switch (placed)
        {
            case IActorSystemDependentAllocationStrategy dependent:
                dependent.Start(system);
                break;
            case IStartableAllocationStrategy startable:
                startable.Start();
                break;
        }
    }

    public async Task<IActorRef> AllocateShard(IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations)
    {
        var chosen = await placed.AllocateShard(requester, shardId, currentShardAllocations);
        var place = AddressOf(chosen);
        Address? before;
        lock (places)
        {
            places.TryGetValue(shardId, out before);
            places[shardId] = place;
        }

        if (before is not null && before != place)
            node.EventStream.Publish(new SupervisionNotice(SupervisionKind.Rebalanced, $"/system/sharding/{region}/{shardId}", FailureCause.None, $"from {before} to {place}"));
        return chosen;
    }

    public Task<IImmutableSet<string>> Rebalance(IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress)
    {
        lock (places)
        {
            foreach (var (owner, shards) in currentShardAllocations)
            {
                foreach (var shard in shards) places[shard] = AddressOf(owner);
            }
        }

        return placed.Rebalance(currentShardAllocations, rebalanceInProgress);
    }

    private Address AddressOf(IActorRef owner) => owner.Path.Address.HasLocalScope ? cluster.SelfAddress : owner.Path.Address;
}
