using System.Diagnostics.CodeAnalysis;
using Vivim.Protocol;

namespace Vivim.Chain.Pool;

/// <summary>
/// Remembers what the pool has dropped, so that who waits for it is told. The journal holds it too: what is about to be deleted there is
/// written again. Holds the newest <see cref="Capacity"/>.
/// </summary>
internal sealed class DropMemory
{
    /// <summary>Transactions remembered.</summary>
    public const int Capacity = 10_000;

    private readonly Dictionary<Hash256, (DroppedTransaction Transaction, long SequenceNr)> dropped = [];
    private readonly Queue<(Hash256 Id, DroppedTransaction Transaction)> order = new();

    public int Count => dropped.Count;

    /// <param name="sequenceNr">Of the journal entry that says so.</param>
    public void Add(DroppedTransaction transaction, long sequenceNr)
    {
        dropped[transaction.TransactionId] = (transaction, sequenceNr);
        order.Enqueue((transaction.TransactionId, transaction));
        while (order.Count > Capacity)
        {
            var (id, oldest) = order.Dequeue();
            if (dropped.TryGetValue(id, out var known) && ReferenceEquals(known.Transaction, oldest)) dropped.Remove(id);
        }
    }

    /// <summary>It is in the pool again, or in a block.</summary>
    public void Remove(in Hash256 id) => dropped.Remove(id);

    public bool TryFind(in Hash256 id, [NotNullWhen(true)] out DroppedTransaction? transaction)
    {
        var isKnown = dropped.TryGetValue(id, out var known);
        transaction = known.Transaction;
        return isKnown;
    }

    /// <summary>Forgets what has expired by now.</summary>
    /// <returns>What is remembered by journal entries up to a number.</returns>
    public IReadOnlyList<DroppedTransaction> UpTo(long sequenceNr, ulong height)
    {
        foreach (var (id, _) in dropped.Where(known => known.Value.Transaction.ExpiryHeight <= height).ToList()) dropped.Remove(id);
        return [.. dropped.Values.Where(known => known.SequenceNr <= sequenceNr).Select(known => known.Transaction)];
    }

    /// <summary>The journal has these in a later entry as well.</summary>
    public void Move(IEnumerable<DroppedTransaction> transactions, long sequenceNr)
    {
        foreach (var id in transactions.Select(transaction => transaction.TransactionId))
        {
            if (dropped.TryGetValue(id, out var known)) dropped[id] = (known.Transaction, sequenceNr);
        }
    }
}
