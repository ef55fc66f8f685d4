using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger;

/// <summary>
/// Blocks found valid on the tip, so that judging one again, and committing it, repeats no decoding, inclusion and signatures. Only valid ones: an id says nothing
/// about a body that may be another's. Holds a few; the oldest goes.
/// </summary>
internal sealed class JudgedBlocks
{
    private const int Capacity = 8;

    private readonly Dictionary<Hash256, (Block Block, IReadOnlyList<Transaction> Transactions)> valid = [];
    private readonly Queue<Hash256> order = new();

    /// <summary>The transactions of a block that is the same as one found valid, body and all; else null.</summary>
    public IReadOnlyList<Transaction>? Find(Block block)
    {
        if (!valid.TryGetValue(block.Id, out var judged)) return null;
        return ReferenceEquals(judged.Block, block) || block.BodyProblem() is null ? judged.Transactions : null;
    }

    public void Add(Block block, IReadOnlyList<Transaction> transactions)
    {
        if (!valid.TryAdd(block.Id, (block, transactions))) return;
        order.Enqueue(block.Id);
        if (order.Count > Capacity) valid.Remove(order.Dequeue());
    }

    /// <summary>The tip is another one.</summary>
    public void Clear()
    {
        valid.Clear();
        order.Clear();
    }
}
