using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>A transaction in the pool.</summary>
/// <param name="places">How many places it takes.</param>
/// <param name="origin">Where a registration came from, see <see cref="SubmitTransactions.Origin"/>; empty where nobody knows.</param>
internal sealed class WaitingTransaction(Transaction transaction, SenderQueue queue, int places, string origin)
{
    public Transaction Transaction { get; } = transaction;

    public SenderQueue Queue { get; } = queue;

    public int Places { get; } = places;

    /// <summary>The address that is charged with it: of whoever sent it or, later, of whoever closed the gap before it.</summary>
    public string Origin { get; set; } = origin;

    public bool IsRegistration => Transaction.Action is RegisterIdentity;

    /// <summary>The journal's sequence number; 0 while the write is under way.</summary>
    public long SequenceNr { get; set; }

    /// <summary>
    /// The journal's entry that says that this transaction was dropped before, needed until another says that it waits; 0 for none.
    /// </summary>
    public long DropSequenceNr { get; set; }
}
