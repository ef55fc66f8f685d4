using Vivim.Ledger.Storage;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Client;

/// <summary>Decodes the receipts of a block, which a node sends as it has stored them (docs/spec/encoding.md).</summary>
public static class BlockReceipts
{
    /// <summary>The receipts of the block's transactions, in their order.</summary>
    /// <exception cref="Protocol.Encoding.MalformedException">The node has sent something else.</exception>
    public static IReadOnlyList<Receipt> DecodeReceipts(this V1.GetBlockResponse block) => StoredReceipts.Decode(block.Receipts.Span);
}
