using System.CommandLine;
using Vivim.Client;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary>
/// <c>vivim cluster show|status|leader|leave|down|down-unreachable</c>: the members of an operator's cluster, in the words and the form of
/// Petabridge.Cmd.
/// </summary>
internal static class ClusterCommands
{
    public static Command Build(VivimCommand vivim) => new("cluster", "The members of a cluster, for its operators")
    {
        Operate(vivim, "show", "List the members", async (operation, context, cancellationToken) => Show(context.Terminal, await operation.ShowAsync(cancellationToken))),
        Operate(vivim, "status", "Show how the node sees itself and the others", async (operation, context, cancellationToken) => ShowStatus(context.Terminal, await operation.GetStatusAsync(cancellationToken))),
        Operate(vivim, "leader", "Show who leads", async (operation, context, cancellationToken) => ShowLeader(context.Terminal, await operation.GetLeaderAsync(cancellationToken))),
        Leave(vivim),
        Down(vivim),
        Operate(vivim, "down-unreachable", "Declare dead whoever cannot be reached", async (operation, context, cancellationToken) =>
        {
            var downed = (await operation.DownUnreachableAsync(cancellationToken)).Members;
            context.Terminal.ShowLines(new { members = downed.Select(View).ToList() }, [.. downed.Select(Line), Count(downed.Count)]);
        }),
    };

    /// <summary>A command that is done with an operator's key.</summary>
    internal static Command Operate(VivimCommand vivim, string name, string description, Func<ClusterOperator, CommandContext, CancellationToken, Task> body) =>
        vivim.Operate(new Command(name, description), (client, key) => client.Operate(key), body);

    /// <summary>A member as JSON.</summary>
    internal static object View(V1.Member member) => new
    {
        address = member.Address,
        roles = member.Roles.ToArray(),
        status = StatusOf(member),
        appVersion = member.AppVersion,
        unreachable = member.Unreachable,
        unreachableFromHere = member.UnreachableFromHere,
        isSelf = member.IsSelf,
    };

    /// <summary>As Akka.NET's operators know it: lower case, without separators.</summary>
    internal static string StatusOf(V1.Member member) => member.Status.ToString().ToLowerInvariant();

    private static Command Leave(VivimCommand vivim)
    {
        var address = Address();
        var leave = Operate(vivim, "leave", "Make a member leave in order, and wait until it is gone", async (operation, context, cancellationToken) =>
        {
            var departure = new Departure(operation, context.Terminal);
            var member = await departure.WaitAsync((await operation.LeaveAsync(context.Arguments.GetRequiredValue(address), cancellationToken)).Member, cancellationToken);
            ShowMember(context.Terminal, member);
        });
        leave.Arguments.Add(address);
        return leave;
    }

    private static Command Down(VivimCommand vivim)
    {
        var address = Address();
        var force = new Option<bool>("--force") { Description = "Even a member that is up and can be reached" };
        var down = Operate(vivim, "down", "Declare a member dead, so that others take over what it ran", async (operation, context, cancellationToken) =>
        {
            var answer = await operation.DownAsync(context.Arguments.GetRequiredValue(address), context.Arguments.GetValue(force), cancellationToken);
            ShowMember(context.Terminal, answer.Member);
        });
        down.Arguments.Add(address);
        down.Options.Add(force);
        return down;
    }

    private static Argument<string> Address() => new("ADDRESS") { Description = "The member, as 'vivim cluster show' prints it: akka.tcp://vivim@host:4053" };

    private static void Show(Terminal terminal, V1.ClusterShowResponse answer) => terminal.ShowLines(
        new { members = answer.Members.Select(View).ToList(), leader = Name(answer.Leader) }, [.. answer.Members.Select(Line), Count(answer.Members.Count)]);

    private static void ShowStatus(Terminal terminal, V1.ClusterStatusResponse answer)
    {
        var upTime = TimeSpan.FromMilliseconds(answer.UpTime);
        terminal.Show(
            new
            {
                self = View(answer.Self),
                leader = Name(answer.Leader),
                members = answer.Members,
                unreachable = answer.Unreachable.ToArray(),
                upTimeSeconds = Math.Round(upTime.TotalSeconds, 3),
            },
            ("address", answer.Self.Address), ("roles", string.Join(", ", answer.Self.Roles)), ("status", StatusOf(answer.Self)), ("version", answer.Self.AppVersion),
            ("leader", answer.Leader), ("members", answer.Members), ("unreachable", answer.Unreachable.Count == 0 ? "none" : string.Join(", ", answer.Unreachable)),
            ("up for", $"{upTime:d\\.hh\\:mm\\:ss}"));
    }

    private static void ShowLeader(Terminal terminal, V1.ClusterLeaderResponse answer) =>
        terminal.ShowLine(new { leader = Name(answer.Leader), isSelf = answer.IsSelf }, $"{Name(answer.Leader) ?? "none: the members do not agree on who is there"}");

    private static void ShowMember(Terminal terminal, V1.Member member) => terminal.ShowLine(View(member), Line(member));

    private static PrintableLine Line(V1.Member member) =>
        $"{member.Address} | [{string.Join(',', member.Roles)}] | {StatusOf(member)} | {(member.Unreachable ? "unreachable" : "")} | {member.AppVersion}";

    private static PrintableLine Count(int members) => $"Count: {members} {(members == 1 ? "node" : "nodes")}";

    private static string? Name(string address) => address.Length == 0 ? null : address;
}
