using Akka.Actor;
using Akka.Cluster.Sharding;
using Grpc.Core;
using Vivim.Actors.Supervision;
using Vivim.Gateway.Node;
using Vivim.Gateway.Operators;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>vivim.v1.Supervision: what the proto says of each call. <see cref="OperatorInterceptor"/> stands before it.</summary>
internal sealed class SupervisionService(NodeHost host, OperatorStreams streams, IHostApplicationLifetime lifetime)
    : V1.Supervision.SupervisionBase
{
    private static readonly TimeSpan StatsLimit = TimeSpan.FromSeconds(2);

    /// <summary>For the coordinator to say that a region has not answered.</summary>
    private static readonly TimeSpan CoordinatorDelay = TimeSpan.FromSeconds(1);

    public override async Task Watch(
        V1.WatchSupervisionRequest request, IServerStreamWriter<V1.WatchSupervisionResponse> responseStream, ServerCallContext context)
    {
        if (request.Last > ReadSupervisionTail.MaxCount)
            throw RpcErrors.InvalidArgument($"{request.Last} events from before, at most {ReadSupervisionTail.MaxCount} are allowed");
        var filter = new SupervisionFilter([.. request.Kinds.Distinct().Select(KindOf)], request.PathPrefix);
        var feed = host.Node.Supervision;
        using var place = streams.Open(OperatorInterceptor.OperatorOf(context));
        context.ChargeBytes(AnswerBytes.PageBytes);
        var only = request.Node.Length == 0 ? null : request.Node;
        await responseStream.Send(
            end => feed.Watch(filter, (int)request.Last, only, end), Message, context.CancellationToken, lifetime.ApplicationStopping);
    }

    public override Task<V1.ActorHierarchyResponse> ActorHierarchy(V1.ActorHierarchyRequest request, ServerCallContext context)
    {
        var start = request.Start.Length == 0 ? "/" : request.Start;
        var paths = ActorTree.Read(host.Node.System, start, (int)Math.Min(request.Depth, int.MaxValue), out var isCut)
            ?? throw RpcErrors.Of(StatusCode.NotFound, "ACTOR_UNKNOWN", $"there is no actor {start} on this node now");
        var response = new V1.ActorHierarchyResponse { Cut = isCut };
        response.Paths.AddRange(paths);
        return Task.FromResult(response);
    }

    public override async Task<V1.RegionStatsResponse> RegionStats(V1.RegionStatsRequest request, ServerCallContext context)
    {
        var node = host.Node;
        var sharding = ClusterSharding.Get(node.System);
        var types = sharding.ShardTypeNames;
        if (!types.Contains(request.Type))
        {
            var known = string.Join(", ", types.Order(StringComparer.Ordinal));
            throw RpcErrors.Of(
                StatusCode.NotFound, "REGION_UNKNOWN", $"this node has no shard region of the type '{request.Type}'; it has: {known}");
        }

        var names = await node.NodeNames(context.CancellationToken);
        var response = new V1.RegionStatsResponse { Type = request.Type };
        try
        {
            var region = sharding.ShardRegion(request.Type);
            var question = new GetClusterShardingStats(StatsLimit);
            var stats = await region.Ask<ClusterShardingStats>(question, StatsLimit + CoordinatorDelay, context.CancellationToken);
            var ordered = stats.Regions.OrderBy(entry => entry.Key.ToString(), StringComparer.Ordinal);
            response.Nodes.AddRange(ordered.Select(entry => Message(entry.Key, names, entry.Value)));
        }
        catch (AskTimeoutException)
        {
            // The answer names no node then.
        }

        return response;
    }

    private static SupervisionKind KindOf(V1.SupervisionKind kind) =>
        kind != V1.SupervisionKind.Unspecified && Enum.IsDefined(kind)
            ? (SupervisionKind)kind
            : throw RpcErrors.InvalidArgument($"{(int)kind} is not a kind of supervision event");

    private static V1.WatchSupervisionResponse Message(SupervisionItem item)
    {
        var message = new V1.WatchSupervisionResponse { Node = item.Node, Address = item.Address };
        if (item.Event is not { } e)
        {
            message.Lost = item.Lost;
            return message;
        }

        message.Event = new V1.SupervisionEvent
        {
            Sequence = e.Sequence,
            Kind = (V1.SupervisionKind)e.Kind,
            At = e.At,
            Path = e.Path,
            Region = e.Region,
            Entity = e.Entity,
            CauseType = e.Cause.Type,
            CauseMessage = e.Cause.Message,
            Detail = e.Detail,
        };
        return message;
    }

    private static V1.RegionOfNode Message(Address address, IReadOnlyDictionary<Address, string> names, ShardRegionStats stats)
    {
        var message = new V1.RegionOfNode { Node = names.GetValueOrDefault(address, address.ToString()), Address = address.ToString() };
        var shards = stats.Stats.OrderBy(shard => shard.Key, StringComparer.Ordinal);
        message.Shards.AddRange(shards.Select(shard => new V1.ShardStats { Shard = shard.Key, Entities = (uint)shard.Value }));
        message.Silent.AddRange(stats.Failed.Order(StringComparer.Ordinal));
        return message;
    }
}
