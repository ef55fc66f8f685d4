using System.Diagnostics;
using Vivim.Client;

namespace Vivim.Benchmarks;

/// <summary>Follows the chain as a client does, and notes when each transaction was seen committed.</summary>
internal sealed class CommitWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Dictionary<string, long> seen = [];
    private readonly List<(long At, int Transactions)> blocks = [];
    private readonly Lock gate = new();
    private readonly Task watching;

    public CommitWatch(VivimClient client, ulong fromHeight) => watching = Watch(client, fromHeight);

    /// <summary>Blocks seen, with the time of each and its number of transactions.</summary>
    public IReadOnlyList<(long At, int Transactions)> Blocks
    {
        get
        {
            lock (gate) return [.. blocks];
        }
    }

    /// <summary>Waits until that many transactions have been seen.</summary>
    public async Task WaitFor(int count, TimeSpan limit)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            lock (gate)
            {
                if (seen.Count >= count) return;
            }

            if (clock.Elapsed > limit) throw new TimeoutException($"{seen.Count} of {count} transactions were committed within {limit}");
            await Task.Delay(10);
        }
    }

    /// <summary>The <see cref="Stopwatch"/> timestamp at which a transaction was seen committed.</summary>
    public long SeenAt(string transactionId)
    {
        lock (gate) return seen[transactionId];
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task Watch(VivimClient client, ulong fromHeight)
    {
        await foreach (var block in client.BlocksAsync(fromHeight, follow: true, stop.Token))
        {
            var now = Stopwatch.GetTimestamp();
            var receipts = block.DecodeReceipts();
            lock (gate)
            {
                blocks.Add((now, receipts.Count));
                foreach (var receipt in receipts) seen[receipt.TransactionId.ToString()] = now;
            }
        }
    }
}
