using Vivim.Ledger.State;
using Vivim.Protocol;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Merkle;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Execution;

/// <summary>What executing a block made: the state's changes, a receipt per transaction, the events in order, and their roots.</summary>
public sealed record ExecutionResult(IReadOnlyDictionary<byte[], byte[]?> Changes, IReadOnlyList<Receipt> Receipts, IReadOnlyList<LedgerEvent> Events)
{
    /// <summary>RFC 6962 root over the receipts' encodings.</summary>
    public Hash256 ReceiptRoot { get; } = RootOf(Receipts, Receipt.Size, static (r, w) => r.Encode(w));

    /// <summary>RFC 6962 root over the events' encodings.</summary>
    public Hash256 EventRoot { get; } = RootOf(Events, LedgerEvent.Size, static (e, w) => e.Encode(w));

    /// <summary>The leaf hashes of an RFC 6962 tree over encodings.</summary>
    public static Hash256[] Leaves<T>(IReadOnlyList<T> items, int size, Action<T, CanonicalWriter> encode)
    {
        var leaves = new Hash256[items.Count];
        for (var i = 0; i < leaves.Length; i++)
        {
            var writer = new CanonicalWriter(size);
            encode(items[i], writer);
            leaves[i] = MerkleTree.LeafHash(writer.Written);
        }

        return leaves;
    }

    private static Hash256 RootOf<T>(IReadOnlyList<T> items, int size, Action<T, CanonicalWriter> encode) => MerkleTree.Root(Leaves(items, size, encode));
}

/// <summary>Executes the transactions of a decided block.</summary>
public static class BlockExecution
{
    /// <param name="rulesVersion">As the block's header says; validity has checked it against the state.</param>
    /// <exception cref="RulesVersionUnknownException">This program lacks the rules.</exception>
    public static ExecutionResult Execute(IStateReader parent, uint rulesVersion, ulong height, ChainParameters parameters, IReadOnlyList<Transaction> transactions)
    {
        var rules = ExecutionRules.For(rulesVersion, height);
        var state = new WriteSet(parent);
        var events = new List<LedgerEvent>(transactions.Count);
        var receipts = new Receipt[transactions.Count];
        for (var i = 0; i < receipts.Length; i++)
        {
            var before = events.Count;
            var code = rules.Execute(transactions[i], height, parameters, state, events);
            receipts[i] = new Receipt(transactions[i].Id, height, (uint)i, code, (ushort)(events.Count - before));
        }

        return new ExecutionResult(state.Changes, receipts, events);
    }
}
