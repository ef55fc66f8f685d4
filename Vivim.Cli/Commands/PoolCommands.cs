using System.CommandLine;
using Spectre.Console;
using Vivim.Client;
using Vivim.Protocol.Identity;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim pool senders|drop</c>: who holds the places of the pool, for operators.</summary>
internal static class PoolCommands
{
    private const uint LargestPage = 1_000;

    public static Command Build(VivimCommand vivim) => new("pool", "The senders of waiting transactions, for the operators of a cluster")
    {
        Senders(vivim),
        Drop(vivim),
    };

    private static Command Senders(VivimCommand vivim)
    {
        var limit = new Option<int>("--limit", "-n") { Description = "Senders to list, those with the most places", DefaultValueFactory = _ => 50 };
        limit.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1) result.AddError("--limit is at least 1");
        });
        var command = new Command("senders", "List the senders that hold the most places of the pool") { limit };
        return Operate(vivim, command, async (operation, context, cancellationToken) =>
        {
            var wanted = context.Arguments.GetValue(limit);
            var senders = new List<V1.PoolSender>();
            var page = new V1.ListSendersResponse();
            do
            {
                page = await operation.ListSendersAsync((uint)Math.Min(wanted - senders.Count, LargestPage), page.NextPageToken, cancellationToken);
                senders.AddRange(page.Senders);
            }
            while (page.NextPageToken.Length > 0 && page.Senders.Count > 0 && senders.Count < wanted);
            Show(context.Terminal, senders, page.PoolSilent);
        });
    }

    private static Command Drop(VivimCommand vivim)
    {
        var sender = new Argument<string>("DID") { Description = "The sender, as 'vivim pool senders' prints it" };
        sender.Validators.Add(result =>
        {
            if (!Did.TryParse(result.GetValueOrDefault<string>(), out _)) result.AddError("DID is did:vivim:b… or did:key:z6Mk…");
        });
        var command = new Command("drop", "Drop all that a sender has waiting; who waits for it is told DROPPED_BY_OPERATOR") { sender };
        return Operate(vivim, command, async (operation, context, cancellationToken) =>
        {
            var did = Did.Parse(context.Arguments.GetRequiredValue(sender));
            var dropped = (await operation.DropSenderAsync(did, cancellationToken)).Dropped;
            context.Terminal.ShowLine(new { did = did.ToString(), dropped }, $"{dropped} transactions of {did} are dropped");
        });
    }

    private static Command Operate(VivimCommand vivim, Command command, Func<PoolOperator, CommandContext, CancellationToken, Task> body) =>
        vivim.Operate(command, (client, key) => client.OperatePool(key), body);

    private static void Show(Terminal terminal, List<V1.PoolSender> senders, uint silent)
    {
        terminal.Show(new { senders = senders.ConvertAll(View), poolSilent = silent }, page => page.Table(
            ["sender", "places", "transactions", "parked", "why", "bytes", "next nonce", "partition"],
            senders.Select(Row)));
        if (silent > 0) terminal.Remark($"{silent} partitions of the pool did not answer: their senders are not in the list.");
    }

    private static object?[] Row(V1.PoolSender sender) =>
        [sender.Did, sender.Places, sender.Transactions, sender.Parked, sender.ParkedReason, sender.Bytes, sender.NextNonce, sender.Partition];

    private static object View(V1.PoolSender sender) => new
    {
        did = sender.Did,
        places = sender.Places,
        transactions = sender.Transactions,
        parked = sender.Parked,
        parkedReason = sender.ParkedReason.Length > 0 ? sender.ParkedReason : null,
        bytes = sender.Bytes,
        nextNonce = sender.NextNonce,
        partition = sender.Partition,
    };
}
