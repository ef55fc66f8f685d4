using System.CommandLine;
using Vivim.Client;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Identity;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim status</c>, <c>tx show</c> and <c>block show</c>: what the node says of the chain.</summary>
internal static class ChainCommands
{
    public static Command Status(VivimCommand vivim) => vivim.Run(new Command("status", "Show where the node is"), async (context, cancellationToken) =>
    {
        var status = await context.Client.GetStatusAsync(cancellationToken);
        var view = new
        {
            chainId = status.ChainId,
            genesisHash = status.GenesisHash,
            height = status.Height,
            blockId = status.BlockId,
            blockTime = status.BlockTime,
            stateRoot = status.StateRoot,
            certifiedHeight = status.CertifiedHeight,
            certifiedStateRoot = status.CertifiedStateRoot,
            poolPending = status.PoolPending,
            poolSilent = status.PoolSilent,
            networkHeight = status.NetworkHeight,
            catchUpMs = status.CatchUpMs,
            rulesVersion = status.RulesVersion,
            oldestHeight = status.OldestHeight,
            validators = status.Validators,
            stateKeys = status.StateKeys,
            nodeVersion = status.NodeVersion,
        };
        context.Terminal.Show(
            view,
            ("node", $"{context.Node.OriginalString}, version {status.NodeVersion}"), ("chain", status.ChainId), ("genesis", status.GenesisHash),
            ("height", $"{status.Height} ({Time(status.BlockTime)}){CatchUp(status)}"), ("block", status.BlockId), ("state root", status.StateRoot),
            ("certified", $"{status.CertifiedStateRoot} at {status.CertifiedHeight}"), ("pool", $"{status.PoolPending} waiting{(status.PoolSilent > 0 ? $", {status.PoolSilent} partitions silent" : "")}"),
            ("rules", $"version {status.RulesVersion}"), ("validators", status.Validators), ("state", $"{status.StateKeys} keys"), ("oldest height", status.OldestHeight));
        return VivimCommand.Success;
    });

    /// <summary>What stands behind the height of a node that has not caught up with its cluster.</summary>
    private static string CatchUp(V1.GetStatusResponse status) => status.CatchUpMs switch
    {
        0 => "",
        < 0 => $", catching up to {status.NetworkHeight}",
        var left => $", catching up to {status.NetworkHeight} in about {TimeSpan.FromMilliseconds(left).TotalSeconds:N0} s",
    };

    public static Command Transaction(VivimCommand vivim)
    {
        var id = Id("ID", "The transaction's id: 64 hexadecimal digits");
        var show = vivim.Run(new Command("show", "Show what became of a transaction") { id }, async (context, cancellationToken) =>
        {
            var wanted = context.Arguments.GetValue(id);
            var answer = await context.Client.GetTransactionAsync(wanted, cancellationToken);
            if (answer.State == V1.TransactionState.Unknown) throw new CommandFailedException("TRANSACTION_UNKNOWN", $"the node does not know transaction {wanted}; check the id and the chain");
            var state = UpperSnakeCase.Of(answer.State.ToString());
            var receipt = answer.Receipt;
            var dropped = answer.Dropped;
            context.Terminal.Show(
                new { id = wanted.ToString(), state, receipt = receipt is null ? null : View(receipt), dropped = dropped is null ? null : new { reason = dropped.Reason, message = dropped.Message } },
                ("transaction", wanted), ("state", state), ("dropped", dropped is null ? null : $"{dropped.Reason}: {dropped.Message}"), ("result", receipt?.Code), ("block", receipt?.Height), ("index", receipt?.Index), ("events", receipt?.EventCount));
            return VivimCommand.Success;
        });
        return new Command("tx", "Transactions") { show };
    }

    /// <summary>The argument that is a transaction's id.</summary>
    public static Argument<Hash256> Id(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            if (text.Length == Hash256.Size * 2 && text.All(char.IsAsciiHexDigit)) return Hash256.FromHex(text);
            result.AddError($"'{text}' is not a transaction id: it has {Hash256.Size * 2} hexadecimal digits");
            return default;
        },
    };

    public static Command Block(VivimCommand vivim)
    {
        var height = new Argument<ulong>("HEIGHT") { Description = "The block's height; 0 is the last one" };
        var show = vivim.Run(new Command("show", "Show a block") { height }, async (context, cancellationToken) =>
        {
            ShowBlock(context.Terminal, await context.Client.GetBlockAsync(context.Arguments.GetValue(height), cancellationToken));
            return VivimCommand.Success;
        });
        return new Command("block", "Blocks") { show };
    }

    private static void ShowBlock(Terminal terminal, V1.GetBlockResponse answer)
    {
        var block = Protocol.Blocks.Block.FromBytes(answer.Block.Span);
        var header = block.Header;
        var certificate = CommitCertificate.FromBytes(answer.Certificate.Span);
        var proposer = Did.OfKey(header.Proposer).ToString();
        var receipts = answer.DecodeReceipts();
        var view = new
        {
            height = header.Height,
            blockId = block.Id.ToString(),
            time = header.Time,
            round = certificate.Round,
            proposer,
            parent = header.Parent.ToString(),
            parentStateRoot = header.StateRoot.ToString(),
            transactions = block.Transactions.Count,
            bytes = answer.Block.Length,
            signatures = certificate.Signatures.Count,
            receipts = receipts.Select(View).ToList(),
        };
        var results = string.Join(", ", receipts.CountBy(r => r.CodeName).Select(c => $"{c.Value} {c.Key}"));
        terminal.Show(
            view,
            ("height", header.Height), ("block", block.Id), ("time", Time(header.Time)), ("round", certificate.Round), ("proposer", proposer), ("parent", header.Parent),
            ("parent's state root", header.StateRoot), ("transactions", $"{block.Transactions.Count} in {answer.Block.Length} bytes"), ("results", results),
            ("signatures", certificate.Signatures.Count));
    }

    private static object View(Protocol.Transactions.Receipt receipt) => new { transactionId = receipt.TransactionId.ToString(), height = receipt.Height, index = receipt.Index, code = receipt.CodeName, eventCount = receipt.EventCount };

    private static object View(V1.Receipt receipt) => new { transactionId = receipt.TransactionId, height = receipt.Height, index = receipt.Index, code = receipt.Code, eventCount = receipt.EventCount };

    private static string Time(long milliseconds) => $"{DateTimeOffset.FromUnixTimeMilliseconds(milliseconds):yyyy-MM-dd HH:mm:ss} UTC";
}
