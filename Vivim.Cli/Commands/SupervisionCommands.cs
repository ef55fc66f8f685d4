using System.CommandLine;
using Spectre.Console;
using Vivim.Protocol;
using Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim supervision watch</c>: what happens to the actors, shards and members of the cluster, as it happens.</summary>
internal static class SupervisionCommands
{
    private static readonly SupervisionKind[] Kinds = [.. Enum.GetValues<SupervisionKind>().Where(kind => kind != SupervisionKind.Unspecified)];

    private static readonly string[] KindNames = [.. Kinds.Select(NameOf)];

    public static Command Build(VivimCommand vivim) => new("supervision", "What happens to the actors of a cluster, for its operators") { Watch(vivim) };

    private static Command Watch(VivimCommand vivim)
    {
        var kinds = new Option<string[]>("--kind") { Description = $"Only events of this kind: {string.Join(", ", KindNames)}; may be repeated", HelpName = "KIND" };
        kinds.Validators.Add(static result =>
        {
            foreach (var unknown in result.Tokens.Select(t => t.Value).Except(KindNames, StringComparer.Ordinal))
                result.AddError($"'{unknown}' is not a kind of supervision event: it is one of {string.Join(", ", KindNames)}");
        });
        var path = new Option<string?>("--path") { Description = "Only events whose path begins like this, e.g. /system/sharding/pool", HelpName = "PATH" };
        var node = new Option<string?>("--node-name") { Description = "Only events of this node, by its name in 'vivim nodes list'", HelpName = "NAME" };
        var last = new Option<uint>("--last") { Description = "Begin with this many events from before, at most 1,000", HelpName = "N" };
        var watch = ClusterCommands.Operate(vivim, "watch", "Show supervision events as they happen", async (operation, context, cancellationToken) =>
        {
            var arguments = context.Arguments;
            var request = new WatchSupervisionRequest { PathPrefix = arguments.GetValue(path) ?? "", Node = arguments.GetValue(node) ?? "", Last = arguments.GetValue(last) };
            request.Kinds.AddRange((arguments.GetValue(kinds) ?? []).Select(name => Kinds[Array.IndexOf(KindNames, name)]));
            try
            {
                await foreach (var item in operation.WatchSupervisionAsync(request, cancellationToken)) Show(context.Terminal, item);
            }
            catch (OperationCanceledException)
            {
                context.Terminal.Remark($"Stopped.");
            }
        });
        foreach (var option in (Option[])[kinds, path, node, last]) watch.Options.Add(option);
        return watch;
    }

    private static string NameOf(SupervisionKind kind) => KebabCase.Of(kind.ToString());

    private static void Show(Terminal terminal, WatchSupervisionResponse item)
    {
        if (item.Event is not { } e)
        {
            terminal.Show(new { node = item.Node, address = item.Address, lost = item.Lost }, text => text.Line($"", $"{item.Node} has dropped {item.Lost} events before they could be shown", $"", Color.Red));
            return;
        }

        var at = DateTimeOffset.FromUnixTimeMilliseconds(e.At);
        var cause = e.CauseType.Length > 0 ? $" {e.CauseType}: {e.CauseMessage}" : "";
        var detail = e.Detail.Length > 0 ? $" ({e.Detail})" : "";
        terminal.Show(
            new
            {
                node = item.Node,
                address = item.Address,
                sequence = e.Sequence,
                kind = NameOf(e.Kind),
                at,
                path = e.Path,
                region = NullIfEmpty(e.Region),
                entity = NullIfEmpty(e.Entity),
                cause = e.CauseType.Length > 0 ? new { type = e.CauseType, message = e.CauseMessage } : null,
                detail = NullIfEmpty(e.Detail),
            },
            text => text.Line($"{at.ToLocalTime():HH:mm:ss.fff} {item.Node} ", $"{NameOf(e.Kind),-14}", $" {e.Path}{cause}{detail}", ColorOf(e)));
    }

    private static string? NullIfEmpty(string text) => text.Length > 0 ? text : null;

    private static Color ColorOf(SupervisionEvent e) => e.Kind switch
    {
        SupervisionKind.Started or SupervisionKind.MemberUp or SupervisionKind.Reachable => Color.Green,
        SupervisionKind.Rebalanced or SupervisionKind.Passivated => Color.Blue,
        SupervisionKind.WorkerChanged when e.CauseType.Length == 0 => Color.Blue,
        SupervisionKind.Stopped or SupervisionKind.MemberRemoved when e.CauseType.Length == 0 => Color.Grey,
        SupervisionKind.Restarted or SupervisionKind.Resumed or SupervisionKind.BackedOff => Color.Yellow,
        _ => Color.Red,
    };
}
