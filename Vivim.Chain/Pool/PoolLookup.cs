using Vivim.Protocol;

namespace Vivim.Chain.Pool;

/// <summary>What the pool knows of a transaction, and the last block that it has heard of.</summary>
public readonly record struct PoolStanding(PoolState State, ulong Height);

/// <summary>
/// Finds transactions in the pool by their ids, which do not tell the partition: asks all partitions, once for all ids that are wanted at about the
/// same time. One look is under way at a time; ids that come meanwhile are in the next. Thread-safe.
/// </summary>
/// <param name="ask">Asks one partition.</param>
public sealed class PoolLookup(Func<FindTransactions, Task<TransactionsFound>> ask)
{
    private readonly Lock gate = new();
    private readonly Dictionary<Hash256, TaskCompletionSource<PoolStanding>> wanted = [];
    private bool isLooking;

    /// <summary>Looks for a transaction; fails as <c>ask</c> does.</summary>
    public Task<PoolStanding> Find(Hash256 id, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (!wanted.TryGetValue(id, out var found)) wanted[id] = found = new TaskCompletionSource<PoolStanding>(TaskCreationOptions.RunContinuationsAsynchronously);
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
                var height = answers.Max(answer => answer.Height);
                for (var i = 0; i < batch.Count; i++) batch[i].Value.SetResult(new PoolStanding(answers.Max(answer => answer.States[i]), height));
            }
            catch (Exception e)
            {
                foreach (var (_, found) in batch) found.TrySetException(e);
            }
        }
    }

    private List<KeyValuePair<Hash256, TaskCompletionSource<PoolStanding>>> Take()
    {
        lock (gate)
        {
            List<KeyValuePair<Hash256, TaskCompletionSource<PoolStanding>>> batch = [.. wanted.Take(FindTransactions.MaxTransactions)];
            foreach (var (id, _) in batch) wanted.Remove(id);
            isLooking = batch.Count > 0;
            return batch;
        }
    }
}
