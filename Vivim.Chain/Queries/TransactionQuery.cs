using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Queries;

/// <summary>What became of a transaction.</summary>
/// <param name="Position">Where it is in the chain; null where it is not.</param>
/// <param name="Receipt">Where it was committed while the query waited; else it is to be read at its position.</param>
/// <param name="Pool">What the pool knows of it; null where it is in the chain.</param>
public readonly record struct TransactionOutcome(TransactionPosition? Position, Receipt? Receipt, PoolTransactionState? Pool);

/// <summary>Finds a transaction in the chain or in the pool, and waits for it at little cost: see <see cref="TransactionWaits"/> and <see cref="PoolLookup"/>.</summary>
public sealed class TransactionQuery(IChainReader chain, PoolLookup pool, TransactionWaits waits, HeightSignal heights, TimeProvider clock)
{
    /// <summary>How long a transaction is waited for that neither the chain nor the pool knows.</summary>
    public static readonly TimeSpan UnknownLimit = TimeSpan.FromSeconds(20);

    /// <summary>After this long a wait asks the pool again: a transaction that has expired or was dropped is in no block.</summary>
    public static readonly TimeSpan LookPause = TimeSpan.FromSeconds(5);

    /// <summary>Where the transaction is.</summary>
    /// <param name="wait">Answers only when it is committed, expired or dropped, or has been unknown for <see cref="UnknownLimit"/>.</param>
    public async Task<TransactionOutcome> Find(Hash256 id, bool wait, CancellationToken cancellation)
    {
        var begun = clock.GetTimestamp();
        while (true)
        {
            // Before the look, so that nothing is missed between it and the wait.
            using var watch = waits.Begin(id);
            var known = heights.Current;
            if (chain.Find(id) is { } position) return new TransactionOutcome(position, null, null);
            var found = await pool.Find(id, cancellation);
            var isUnknown = found.State == PoolState.Unknown;
            if (isUnknown && found.Height > known)
            {
                // It may have left the pool for a block that has not come here yet.
                await heights.WaitAbove(known, cancellation);
                continue;
            }

            var patience = isUnknown ? UnknownLimit - clock.GetElapsedTime(begun) : LookPause;
            var isOver = found.State is PoolState.Expired or PoolState.Dropped || (isUnknown && patience <= TimeSpan.Zero);
            if (isOver || !wait) return new TransactionOutcome(null, null, found);
            if (await Settled(watch, patience, cancellation) is { } receipt) return new TransactionOutcome(new TransactionPosition(receipt.Height, receipt.Index), receipt, null);
        }
    }

    /// <returns>Null when it is time to look again.</returns>
    private async Task<Receipt?> Settled(TransactionWaits.Watch watch, TimeSpan patience, CancellationToken cancellation)
    {
        try
        {
            return await watch.Settled.WaitAsync(patience, clock, cancellation);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }
}
