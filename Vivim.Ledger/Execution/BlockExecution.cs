using Vivim.Ledger.State;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Merkle;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Execution;

/// <summary>What executing a block made: the state's changes, a receipt per transaction, the events in order, and their roots.</summary>
public sealed record ExecutionResult(IReadOnlyDictionary<byte[], byte[]?> Changes, IReadOnlyList<Receipt> Receipts, IReadOnlyList<LedgerEvent> Events)
{
    /// <summary>RFC 6962 root over the receipts' encodings.</summary>
    public Hash256 ReceiptRoot { get; } = MerkleTree.Root(MerkleTree.LeafHashes(Receipts, Receipt.Size, static (r, w) => r.Encode(w)));

    /// <summary>RFC 6962 root over the events' encodings.</summary>
    public Hash256 EventRoot { get; } = MerkleTree.Root(MerkleTree.LeafHashes(Events, LedgerEvent.Size, static (e, w) => e.Encode(w)));
}

/// <summary>Executes a decided block: its evidence, then its transactions.</summary>
public static class BlockExecution
{
    /// <param name="parent">The state after the tip.</param>
    /// <param name="block">Valid on the tip.</param>
    /// <param name="transactions">The block's, decoded.</param>
    /// <exception cref="RulesVersionUnknownException">This program lacks the rules.</exception>
    public static ExecutionResult Execute(IStateReader parent, ChainTip tip, Block block, IReadOnlyList<Transaction> transactions)
    {
        var rules = ExecutionRules.For(tip.System.RulesVersion, tip.Height + 1);
        var effects = new BlockEffects(parent, tip);
        foreach (var evidence in block.Evidence) rules.Punish(evidence, effects);
        var receipts = new Receipt[transactions.Count];
        for (var i = 0; i < receipts.Length; i++)
        {
            var before = effects.Events.Count;
            var code = rules.Execute(transactions[i], effects);
            receipts[i] = new Receipt(transactions[i].Id, effects.Height, (uint)i, code, (ushort)(effects.Events.Count - before));
        }

        effects.Finish();
        return new ExecutionResult(effects.State.Changes, receipts, effects.Events);
    }
}
