using System.Diagnostics;
using Vivim.Client;
using Vivim.Protocol;

namespace Vivim.Faults.Traffic;

/// <summary>A block as first seen at any node.</summary>
/// <param name="At">A <see cref="Stopwatch"/> timestamp.</param>
internal sealed record SeenBlock(ulong Height, long At, IReadOnlyList<Hash256> Transactions, ReadOnlyMemory<byte> Block, ReadOnlyMemory<byte> Certificate);

/// <summary>Asks all nodes all the time for new blocks, and notes when each was first seen at one of them.</summary>
internal sealed class BlockWatch : IAsyncDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource stop = new();
    private readonly Lock gate = new();
    private readonly List<SeenBlock> blocks = [];
    private readonly Dictionary<Hash256, long> committed = [];
    private readonly List<Task> watching;

    public BlockWatch(IEnumerable<VivimClient> nodes) => watching = [.. nodes.Select(node => Task.Run(() => WatchAsync(node)))];

    /// <summary>The highest block seen; 0 at first.</summary>
    public ulong Height
    {
        get
        {
            lock (gate) return (ulong)blocks.Count;
        }
    }

    /// <summary>From height 1.</summary>
    public IReadOnlyList<SeenBlock> Blocks
    {
        get
        {
            lock (gate) return [.. blocks];
        }
    }

    /// <summary>The longest time without a new block in a stretch of time, and the height of the block that ended it.</summary>
    /// <param name="from">A <see cref="Stopwatch"/> timestamp.</param>
    /// <param name="to">Another one.</param>
    public (TimeSpan Pause, ulong Height) LongestPause(long from, long to)
    {
        var seen = Blocks.Where(block => block.At > from && block.At < to).Select(block => (block.At, block.Height)).ToList();
        var times = seen.Append((At: to, Height: Height + 1)).ToList();
        return times.Zip(seen.Select(block => block.At).Prepend(from), (block, before) => (Stopwatch.GetElapsedTime(before, block.At), block.Height)).Max();
    }

    /// <summary>When a transaction was first seen in a block; null while it was not.</summary>
    public long? CommittedAt(Hash256 id)
    {
        lock (gate) return committed.TryGetValue(id, out var at) ? at : null;
    }

    /// <summary>Waits until all of some transactions are in blocks.</summary>
    /// <returns>Whether they are; false when the limit is over.</returns>
    public async Task<bool> CommittedAsync(IReadOnlyCollection<Hash256> ids, TimeSpan limit, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (ids.Any(id => CommittedAt(id) is null))
        {
            if (clock.Elapsed > limit) return false;
            await Task.Delay(Poll, cancellationToken);
        }

        return true;
    }

    /// <summary>Waits until a height has been seen.</summary>
    /// <returns>Whether it has; false when the limit is over.</returns>
    public async Task<bool> ReachesAsync(ulong height, TimeSpan limit, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (Height < height)
        {
            if (clock.Elapsed > limit) return false;
            await Task.Delay(Poll, cancellationToken);
        }

        return true;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task WatchAsync(VivimClient node)
    {
        while (!stop.IsCancellationRequested)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
            limit.CancelAfter(AnswerLimit);
            try
            {
                await SeeAsync(node, Height + 1, limit.Token);
                continue;
            }
            catch (Exception e) when (e is VivimException or OperationCanceledException)
            {
                // There is no such block yet, or the node is away, which is what this is about: it is asked again in a moment, the others beside it.
            }

            await Task.Delay(Poll, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SeeAsync(VivimClient node, ulong height, CancellationToken cancellationToken)
    {
        var block = await node.GetBlockAsync(height, cancellationToken);
        var now = Stopwatch.GetTimestamp();
        var ids = block.DecodeReceipts().Select(receipt => receipt.TransactionId).ToList();
        lock (gate)
        {
            if ((ulong)blocks.Count + 1 != height) return;
            blocks.Add(new SeenBlock(height, now, ids, block.Block.Memory, block.Certificate.Memory));
            foreach (var id in ids) committed.TryAdd(id, now);
        }
    }
}
