using System.Collections.Immutable;
using System.Text;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;

namespace Vivim.Actors;

/// <summary>
/// Runs each shard at its home, the member with the shard's role, while that is up; elsewhere while it is not; and brings it back, one at a time.
/// Elsewhere is chosen by rendezvous hashing, so that shards of the same name are together in all regions that use this.
/// </summary>
/// <param name="roleOf">The role that a shard's home has.</param>
public sealed class HomeAllocation(Cluster cluster, Func<string, string> roleOf) : IShardAllocationStrategy
{
    public Task<IActorRef> AllocateShard(IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations) =>
        Task.FromResult(Place(shardId, currentShardAllocations.Keys));

    public Task<IImmutableSet<string>> Rebalance(IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress)
    {
        IImmutableSet<string> none = ImmutableHashSet<string>.Empty;
        if (rebalanceInProgress.Count > 0) return Task.FromResult(none);
        var up = Up();
        // A region whose node is gone hands nothing over: its shards move when it is removed, not after the hand-over has timed out.
        var astray = currentShardAllocations.Where(region => up.ContainsKey(AddressOf(region.Key)))
            .SelectMany(region => region.Value.Where(shard => !Place(shard, currentShardAllocations.Keys).Equals(region.Key)))
            .Order(StringComparer.Ordinal).FirstOrDefault();
        return Task.FromResult(astray is null ? none : none.Add(astray));
    }

    private IActorRef Place(string shard, IEnumerable<IActorRef> regions)
    {
        var role = roleOf(shard);
        var members = Up();
        return regions.OrderByDescending(region => members.TryGetValue(AddressOf(region), out var member) ? (member.HasRole(role) ? 2 : 1) : 0)
            .ThenBy(region => Weight(shard, AddressOf(region))).First();
    }

    private Dictionary<Address, Member> Up() =>
        cluster.State.Members.Where(member => member.Status == MemberStatus.Up && !cluster.State.Unreachable.Contains(member)).ToDictionary(member => member.Address);

    private Address AddressOf(IActorRef region) => region.Path.Address.HasLocalScope ? cluster.SelfAddress : region.Path.Address;

    /// <summary>FNV-1a: the same on every node, as the runtime's own string hash is not.</summary>
    private static ulong Weight(string shard, Address address)
    {
        var hash = 14_695_981_039_346_656_037UL;
        foreach (var b in Encoding.UTF8.GetBytes($"{shard} {address}")) hash = unchecked((hash ^ b) * 1_099_511_628_211UL);
        return hash;
    }
}
