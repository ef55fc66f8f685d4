using Vivim.Protocol.Transactions;

namespace Vivim.Simulator.Storage;

/// <summary>The journal of a pool: the transactions that may be acknowledged.</summary>
internal sealed class PoolFile
{
    private readonly SortedDictionary<long, Transaction> entries = [];

    /// <summary>The last sequence number ever written.</summary>
    public long Last { get; private set; }

    public IEnumerable<KeyValuePair<long, Transaction>> Entries => entries;

    public void Append(long sequenceNr, Transaction transaction)
    {
        entries[sequenceNr] = transaction;
        Last = Math.Max(Last, sequenceNr);
    }

    /// <summary>Forgets what has settled.</summary>
    public void TrimTo(long sequenceNr)
    {
        while (entries.Count > 0 && entries.First().Key is var first && first <= sequenceNr) entries.Remove(first);
    }
}
