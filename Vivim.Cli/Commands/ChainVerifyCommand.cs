using System.CommandLine;
using Vivim.Cli.Load;
using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim chain verify</c>: downloads every block, checks every signature and rule, and computes the state anew.</summary>
internal static class ChainVerifyCommand
{
    private sealed record Verified(ChainVerifier Chain, long Transactions, string NodeStateRoot);

    public static Command Build(VivimCommand vivim)
    {
        var trusted = GenesisCommand.Trusted();
        var verify = vivim.Run(new Command("verify", "Re-execute the whole chain here and compare the state") { trusted }, async (context, cancellationToken) =>
        {
            var file = context.Arguments.GetValue(trusted);
            var genesis = await GenesisCommand.TrustedOrNodesAsync(context, file, cancellationToken);
            var clock = System.Diagnostics.Stopwatch.StartNew();
            var verified = await ProgressBars.RunAsync(context.Terminal, report => VerifyAsync(context, genesis, report, cancellationToken));
            return Show(context.Terminal, genesis, file is null ? "node" : "file", verified, Math.Round(clock.Elapsed.TotalSeconds, 3));
        });
        return new Command("chain", "The whole chain") { verify };
    }

    /// <summary>Verifies up to a height whose state root the node states too.</summary>
    private static async Task<Verified> VerifyAsync(CommandContext context, GenesisFile genesis, LoadProgress report, CancellationToken cancellationToken)
    {
        var verifier = new ChainVerifier(genesis);
        long transactions = 0;
        var status = await context.Client.GetStatusAsync(cancellationToken);
        RequireAllBlocks(status);
        while (true)
        {
            if (status.Height == verifier.Height) return new Verified(verifier, transactions, status.StateRoot);
            if (status.CertifiedHeight == verifier.Height && verifier.Height > 0) return new Verified(verifier, transactions, status.CertifiedStateRoot);
            await foreach (var answer in context.Client.BlocksAsync(verifier.Height + 1, follow: false, cancellationToken))
            {
                transactions += Add(verifier, answer);
                report("blocks", (long)verifier.Height, (long)Math.Max(status.Height, verifier.Height));
            }

            status = await context.Client.GetStatusAsync(cancellationToken);
        }
    }

    /// <summary>Said before anything is downloaded: what to do about it is not what the node's refusal of a single block says.</summary>
    private static void RequireAllBlocks(V1.GetStatusResponse status)
    {
        if (status.OldestHeight <= 1) return;
        throw new CommandFailedException(
            "BLOCK_PRUNED",
            $"this node has no blocks below height {status.OldestHeight}: it came up from a snapshot of the state, or drops old blocks. Verifying the whole chain executes them all: "
            + "name a node that has them with --node; 'vivim status' says of each which block is its oldest. What this node says of people can be verified without them, from the genesis: 'vivim proof follow'");
    }

    private static int Add(ChainVerifier verifier, V1.GetBlockResponse answer)
    {
        try
        {
            var block = Block.FromBytes(answer.Block.Span);
            verifier.Add(block, CommitCertificate.FromBytes(answer.Certificate.Span));
            return block.Transactions.Count;
        }
        catch (Exception e) when (e is InvalidBlockException or MalformedException)
        {
            throw new CommandFailedException("BLOCK_INVALID", $"block {answer.Height} is refused: {e.Message}", e);
        }
        catch (RulesVersionUnknownException e)
        {
            throw new CommandFailedException("RULES_UNKNOWN", $"{e.Message}; install a newer vivim", e);
        }
    }

    private static int Show(Terminal terminal, GenesisFile genesis, string genesisFrom, Verified verified, double seconds)
    {
        var chain = verified.Chain;
        var matches = chain.StateRoot.ToString() == verified.NodeStateRoot;
        var view = new
        {
            chainId = genesis.ChainId,
            genesisHash = genesis.Hash.ToString(),
            genesisFrom,
            height = chain.Height,
            blockId = chain.BlockId.ToString(),
            stateRoot = chain.StateRoot.ToString(),
            nodeStateRoot = verified.NodeStateRoot,
            matches,
            transactions = verified.Transactions,
            stateKeys = chain.KeyCount,
            seconds,
        };
        terminal.Show(
            view,
            ("chain", genesis.ChainId), ("genesis", $"{genesis.Hash} (from the {genesisFrom})"), ("height", chain.Height), ("block", chain.BlockId), ("state root", chain.StateRoot),
            ("node's root", $"{verified.NodeStateRoot} ({(matches ? "the same" : "NOT the same")})"), ("transactions", verified.Transactions), ("state", $"{chain.KeyCount} keys"), ("seconds", seconds));
        if (matches) return VivimCommand.Success;
        terminal.Fail("STATE_ROOT_DIFFERS", $"the blocks give state root {chain.StateRoot} at height {chain.Height}, the node says {verified.NodeStateRoot}; do not trust this node");
        return VivimCommand.Failure;
    }
}
