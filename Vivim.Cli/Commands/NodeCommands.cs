using System.CommandLine;
using Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim nodes list</c>: the nodes of a cluster and what runs on them.</summary>
internal static class NodeCommands
{
    public static Command Build(VivimCommand vivim) => new("nodes", "The nodes of a cluster, for its operators")
    {
        ClusterCommands.Operate(vivim, "list", "List the nodes and the validators that run on them", async (operation, context, cancellationToken) =>
            Show(context.Terminal, await operation.ListNodesAsync(cancellationToken))),
    };

    private static void Show(Terminal terminal, ListNodesResponse answer) => terminal.Show(
        new
        {
            nodes = answer.Nodes.Select(node => new
            {
                name = node.Name,
                member = ClusterCommands.View(node.Member),
                validators = node.Answered ? node.Validators.ToArray() : null,
                height = node.HasHeight ? node.Height : (ulong?)null,
            }).ToList(),
        },
        text => text.Table(["name", "address", "roles", "status", "reachable", "version", "height", "validators"], answer.Nodes.Select(Row)));

    private static object[] Row(ClusterNode node) =>
    [
        node.Name, node.Member.Address, string.Join(", ", node.Member.Roles), ClusterCommands.StatusOf(node.Member), node.Member.Unreachable ? "no" : "yes", node.Member.AppVersion,
        node.HasHeight ? $"{node.Height}" : "", node.Answered ? node.Validators : "no answer",
    ];
}
