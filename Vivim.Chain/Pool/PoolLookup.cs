using Vivim.Protocol;

namespace Vivim.Chain.Pool;

/// <summary>
/// Finds transactions in the pool by their ids, which do not tell the partition: asks all partitions, once for all ids that are wanted at about the
/// same time. One look is under way at a time; ids that come meanwhile are in the next. Thread-safe.
/// </summary>
/// <param name="ask">Asks one partition.</param>
public sealed class PoolLookup(Func<FindTransactions, Task<TransactionsFound>> ask)
{
    private readonly Lock gate = new();
    private readonly Dictionary<Hash256, TaskCompletionSource<PoolTransactionState>> wanted = [];
    private bool isLooking;

    /// <summary>Looks for a transaction; fails as <c>ask</c> does.</summary>
    public Task<PoolTransactionState> Find(Hash256 id, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (!wanted.TryGetValue(id, out var found)) wanted[id] = found = new TaskCompletionSource<PoolTransactionState>(TaskCreationOptions.RunContinuationsAsynchronously);
            if (!isLooking)
            {
                isLooking = true;
                _ = Task.Run(Look, CancellationToken.None);
            }

            return found.Task.WaitAsync(cancellation);
        }
    }

    /// <summary>Look after look, until nothing is wanted.</summary>
    private async Task Look()
    {
        while (Take() is { Count: > 0 } batch)
        {
            try
            {
                List<Hash256> ids = [.. batch.Select(entry => entry.Key)];
                var answers = await Task.WhenAll(Enumerable.Range(0, PoolPartitions.Count).Select(partition => ask(new FindTransactions(partition, ids))));
                for (var i = 0; i < batch.Count; i++) batch[i].Value.SetResult(OfAll(answers.Select(answer => answer.States[i])));
            }
            catch (Exception e)
            {
                foreach (var (_, found) in batch) found.TrySetException(e);
            }
        }
    }

    /// <summary>At most one partition knows it; the others may have heard of more blocks.</summary>
    private static PoolTransactionState OfAll(IEnumerable<PoolTransactionState> states) =>
        states.Aggregate((known, other) => (other.State > known.State ? other : known) with { Height = Math.Max(known.Height, other.Height) });

    private List<KeyValuePair<Hash256, TaskCompletionSource<PoolTransactionState>>> Take()
    {
        lock (gate)
        {
            List<KeyValuePair<Hash256, TaskCompletionSource<PoolTransactionState>>> batch = [.. wanted.Take(FindTransactions.MaxTransactions)];
            foreach (var (id, _) in batch) wanted.Remove(id);
            isLooking = batch.Count > 0;
            return batch;
        }
    }
}
