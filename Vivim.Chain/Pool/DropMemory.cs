using System.Diagnostics.CodeAnalysis;
using Vivim.Protocol;

namespace Vivim.Chain.Pool;

/// <summary>
/// Remembers what the pool has dropped, so that whoever waits for it is told. The journal holds it too: what is about to be deleted there is
/// written again. Holds the newest <see cref="Capacity"/> by the journal: after a restart, what was written again counts from there.
/// </summary>
internal sealed class DropMemory
{
    /// <summary>Transactions remembered.</summary>
    public const int Capacity = 10_000;

    private readonly Dictionary<Hash256, LinkedListNode<(DroppedTransaction Transaction, long SequenceNr)>> dropped = [];

    // The oldest first.
    private readonly LinkedList<(DroppedTransaction Transaction, long SequenceNr)> order = new();

    public int Count => dropped.Count;

    /// <summary>Remembers a transaction as the newest; one that is remembered already takes no second place.</summary>
    /// <param name="sequenceNr">Of the journal entry that says so.</param>
    public void Add(DroppedTransaction transaction, long sequenceNr)
    {
        Remove(transaction.TransactionId);
        dropped[transaction.TransactionId] = order.AddLast((transaction, sequenceNr));
        if (dropped.Count > Capacity) Remove(order.First!.Value.Transaction.TransactionId);
    }

    /// <summary>It is in the pool again, or in a block.</summary>
    /// <returns>The number of the journal entry that says that it was dropped; 0 where it is not remembered.</returns>
    public long Remove(in Hash256 id)
    {
        if (!dropped.Remove(id, out var node)) return 0;
        order.Remove(node);
        return node.Value.SequenceNr;
    }

    public bool TryFind(in Hash256 id, [NotNullWhen(true)] out DroppedTransaction? transaction)
    {
        transaction = dropped.TryGetValue(id, out var node) ? node.Value.Transaction : null;
        return transaction is not null;
    }

    /// <summary>Forgets what has expired by now.</summary>
    /// <returns>What is remembered by journal entries up to a number, the oldest first.</returns>
    public IReadOnlyList<DroppedTransaction> UpTo(long sequenceNr, ulong height)
    {
        foreach (var (transaction, _) in order.Where(known => known.Transaction.ExpiryHeight <= height).ToList()) Remove(transaction.TransactionId);
        return [.. order.Where(known => known.SequenceNr <= sequenceNr).Select(known => known.Transaction)];
    }

    /// <summary>The journal has these in a later entry as well.</summary>
    public void Move(IEnumerable<DroppedTransaction> transactions, long sequenceNr)
    {
        foreach (var id in transactions.Select(transaction => transaction.TransactionId))
        {
            if (dropped.TryGetValue(id, out var node)) node.Value = (node.Value.Transaction, sequenceNr);
        }
    }
}
