using System.CommandLine;
using Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim actor hierarchy</c> and <c>vivim cluster-sharding region-stats</c>, in the words of Petabridge.Cmd.</summary>
internal static class ActorCommands
{
    public static Command Actor(VivimCommand vivim)
    {
        var depth = new Option<uint>("-d", "--depth") { Description = "Levels below the start; 0 for all", HelpName = "DEPTH" };
        var start = new Option<string?>("-s", "--start") { Description = "The path to start at, e.g. /user; the root where it is left out", HelpName = "PATH" };
        var hierarchy = ClusterCommands.Operate(vivim, "hierarchy", "List the paths of the node's actors", async (operation, context, cancellationToken) =>
        {
            var answer = await operation.GetActorHierarchyAsync(context.Arguments.GetValue(depth), context.Arguments.GetValue(start) ?? "", cancellationToken);
            context.Terminal.ShowLines(new { paths = answer.Paths.ToArray(), cut = answer.Cut }, [.. answer.Paths.Select(path => (PrintableLine)$"{path}")]);
            if (answer.Cut) context.Terminal.Remark($"There are more: the node tells {answer.Paths.Count}. Give -s or -d.");
        });
        hierarchy.Options.Add(depth);
        hierarchy.Options.Add(start);
        return new Command("actor", "The actors of a node, for its operators") { hierarchy };
    }

    public static Command ClusterSharding(VivimCommand vivim)
    {
        var type = new Option<string>("-r", "--region") { Description = "The type of the shard region: pool, block-makers, validators, workers", HelpName = "TYPE", Required = true };
        var stats = ClusterCommands.Operate(vivim, "region-stats", "Show where the shards of a type are, and how many entities each has", async (operation, context, cancellationToken) =>
            Show(context.Terminal, await operation.GetRegionStatsAsync(context.Arguments.GetRequiredValue(type), cancellationToken)));
        stats.Options.Add(type);
        return new Command("cluster-sharding", "The shards of a cluster, for its operators") { stats };
    }

    private static IEnumerable<string[]> Rows(RegionOfNode node) =>
    [
        .. node.Shards.Select(shard => (string[])[node.Node, node.Address, shard.Shard, $"{shard.Entities}"]),
        .. node.Silent.Select(silent => (string[])[node.Node, node.Address, silent, "no answer"]),
    ];

    private static void Show(Terminal terminal, RegionStatsResponse answer)
    {
        if (answer.Nodes.Count == 0) terminal.Remark($"No answer: the shard coordinator or one of the nodes has not said in time what it has. Try again.");
        terminal.Show(
            new
            {
                type = answer.Type,
                nodes = answer.Nodes.Select(node => new
                {
                    node = node.Node,
                    address = node.Address,
                    shards = node.Shards.Select(shard => new { shard = shard.Shard, entities = shard.Entities }).ToList(),
                    silent = node.Silent.ToArray(),
                }).ToList(),
            },
            text => text.Table(["node", "address", "shard", "entities"], answer.Nodes.SelectMany(Rows)));
    }
}
