using Vivim.Protocol;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Queries;

/// <summary>
/// The transactions that somebody waits for. Each block is looked through once for all of them, by the receipts that its commit tells of; nothing is
/// read for it. Thread-safe.
/// </summary>
public sealed class TransactionWaits
{
    private readonly Lock gate = new();
    private readonly Dictionary<Hash256, Entry> entries = [];
    private Exception? closed;

    internal sealed class Entry
    {
        public int Waits { get; set; }

        public TaskCompletionSource<Receipt> Settled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Transactions that are waited for.</summary>
    public int Count
    {
        get
        {
            lock (gate) return entries.Count;
        }
    }

    /// <summary>From now on no commit of the transaction is missed, until the watch is disposed.</summary>
    public Watch Begin(Hash256 id)
    {
        lock (gate)
        {
            if (!entries.TryGetValue(id, out var entry)) entries[id] = entry = new Entry();
            entry.Waits++;
            if (closed is not null) entry.Settled.TrySetException(closed);
            return new Watch(this, id, entry);
        }
    }

    /// <summary>A block is committed.</summary>
    public void OnCommitted(IReadOnlyList<Receipt> receipts)
    {
        lock (gate)
        {
            if (entries.Count == 0) return;
            foreach (var receipt in receipts)
            {
                if (entries.Remove(receipt.TransactionId, out var entry)) entry.Settled.TrySetResult(receipt);
            }
        }
    }

    /// <summary>The node stops: every wait, now and later, fails with this.</summary>
    public void Close(Exception reason)
    {
        lock (gate)
        {
            closed = reason;
            foreach (var entry in entries.Values) entry.Settled.TrySetException(reason);
        }
    }

    /// <summary>One call's watch.</summary>
    public sealed class Watch : IDisposable
    {
        private readonly TransactionWaits waits;
        private readonly Hash256 id;
        private readonly Entry entry;

        internal Watch(TransactionWaits waits, Hash256 id, Entry entry)
        {
            this.waits = waits;
            this.id = id;
            this.entry = entry;
        }

        /// <summary>Completes with the transaction's receipt.</summary>
        public Task<Receipt> Settled => entry.Settled.Task;

        public void Dispose()
        {
            lock (waits.gate)
            {
                if (--entry.Waits == 0 && waits.entries.GetValueOrDefault(id) == entry) waits.entries.Remove(id);
            }
        }
    }
}
