using System.CommandLine;
using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim events</c>: the chain's events from a cursor, each once and in order.</summary>
internal static class EventsCommand
{
    private static readonly string[] TypeNames = [.. Enum.GetNames<LedgerEventType>().Select(UpperSnakeCase.Of)];

    public static Command Build(VivimCommand vivim)
    {
        var from = new Option<EventCursor>("--from")
        {
            Description = "The first event wanted: height:index, or a height",
            HelpName = "CURSOR",
            CustomParser = static result =>
            {
                try
                {
                    return EventCursor.Parse(result.Tokens[0].Value);
                }
                catch (FormatException e)
                {
                    result.AddError(e.Message);
                    return default;
                }
            },
        };
        var follow = new Option<bool>("--follow") { Description = "Go on with new events" };
        var authors = new Option<string[]>("--author") { Description = "Only events of this person; may be repeated", HelpName = "WHO" };
        var types = new Option<string[]>("--type") { Description = $"Only events of this type: {string.Join(", ", TypeNames)}; may be repeated", HelpName = "TYPE" };
        types.Validators.Add(static result =>
        {
            foreach (var unknown in result.Tokens.Select(t => t.Value).Except(TypeNames, StringComparer.Ordinal))
                result.AddError($"'{unknown}' is not an event type: it is one of {string.Join(", ", TypeNames)}");
        });
        return vivim.Run(new Command("events", "List the chain's events") { from, follow, authors, types }, async (context, cancellationToken) =>
        {
            var arguments = context.Arguments;
            var dids = new List<Did>();
            foreach (var who in arguments.GetValue(authors) ?? []) dids.Add(await context.ResolveAsync(who, cancellationToken));
            try
            {
                var events = context.Client.EventsAsync(arguments.GetValue(from), dids, arguments.GetValue(types), arguments.GetValue(follow), cancellationToken);
                await foreach (var item in events)
                {
                    context.Terminal.Show(
                        new { cursor = item.Cursor, type = item.Type, actor = item.Actor, subject = item.Subject, transactionId = item.TransactionId },
                        text => text.Line($"{item.Cursor,-10} {item.Type,-19} {item.Actor} {item.Subject}"));
                }
            }
            catch (OperationCanceledException) when (arguments.GetValue(follow))
            {
                context.Terminal.Remark($"Stopped.");
            }

            return VivimCommand.Success;
        });
    }
}
