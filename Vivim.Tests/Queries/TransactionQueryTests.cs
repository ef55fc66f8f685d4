using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Chain.Queries;
using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Gateway;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Queries;

/// <summary>However many wait for transactions, the pool and the chain are asked little.</summary>
public sealed class TransactionQueryTests
{
    private const int Many = 500;
    private const ulong Last = 12;

    private readonly VirtualTime time = new();
    private readonly MemoryChainStore chain = new();
    private readonly HeightSignal heights = new();
    private readonly TransactionWaits waits = new();
    private readonly Dictionary<Hash256, PoolState> pool = [];
    private readonly TransactionQuery query;
    private TaskCompletionSource answering = new();
    private int asks;
    private int idsAsked;

    public TransactionQueryTests()
    {
        answering.SetResult();
        query = new TransactionQuery(chain, new PoolLookup(Ask), waits, heights, time);
    }

    [Fact]
    public async Task Many_who_wait_cost_a_look_into_the_pool_every_five_seconds_and_nothing_in_between()
    {
        var ids = Enumerable.Range(0, Many).Select(Id).ToList();
        foreach (var id in ids) pool[id] = PoolState.Pending;
        var waiting = await Look(() => ids.Select(id => query.Find(id, wait: true, CancellationToken.None)).ToList());
        await Eventually.Async(() => Task.FromResult(idsAsked == Many));

        await Eventually.Async(() => Task.FromResult(time.Timers == Many));
        for (var height = 1UL; height < Last; height++) Commit(height);
        time.Advance(TransactionQuery.LookPause - TimeSpan.FromMilliseconds(1));
        Assert.Equal(Many, idsAsked);
        await Look(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            return true;
        });
        await Eventually.Async(() => Task.FromResult(idsAsked == 2 * Many && time.Timers == Many));

        Commit(Last, [.. ids]);
        var outcomes = await Task.WhenAll(waiting);
        Assert.Equal(ids, outcomes.Select(outcome => outcome.Receipt!.TransactionId));
        Assert.All(outcomes, outcome => Assert.Equal(Last, outcome.Position!.Value.Height));
        Assert.Equal((0, 2 * Many), (waits.Count, idsAsked));
        // Each time one look that has begun when the first asks, and one for all others, or a few for those who come late.
        Assert.InRange(asks, 2 * PoolPartitions.Count, 20 * PoolPartitions.Count);
    }

    [Fact]
    public async Task A_wait_for_what_nobody_knows_ends()
    {
        var waiting = query.Find(Id(1), wait: true, CancellationToken.None);
        await Eventually.Async(() => Task.FromResult(time.Timers == 1));
        time.Advance(TransactionQuery.UnknownLimit - TimeSpan.FromMilliseconds(1));
        Assert.False(waiting.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(PoolState.Unknown, (await waiting).Pool!.State);
        Assert.Equal((0, 2 * PoolPartitions.Count), (waits.Count, asks));
    }

    [Fact]
    public async Task What_becomes_known_before_the_limit_is_waited_for_further()
    {
        var waiting = query.Find(Id(1), wait: true, CancellationToken.None);
        await Eventually.Async(() => Task.FromResult(time.Timers == 1));
        lock (pool) pool[Id(1)] = PoolState.Pending;
        time.Advance(TransactionQuery.UnknownLimit);
        await Eventually.Async(() => Task.FromResult(asks == 2 * PoolPartitions.Count && waits.Count == 1 && time.Timers == 1));
        time.Advance(10 * TransactionQuery.UnknownLimit);
        Assert.False(waiting.IsCompleted);
        Commit(1, Id(1));
        Assert.Equal(1UL, (await waiting).Position!.Value.Height);
    }

    [Fact]
    public async Task What_expires_is_told_at_the_next_look()
    {
        lock (pool) pool[Id(1)] = PoolState.Pending;
        var waiting = query.Find(Id(1), wait: true, CancellationToken.None);
        await Eventually.Async(() => Task.FromResult(time.Timers == 1));
        lock (pool) pool[Id(1)] = PoolState.Expired;
        time.Advance(TransactionQuery.LookPause);
        Assert.Equal(PoolState.Expired, (await waiting).Pool!.State);
    }

    [Fact]
    public async Task Who_does_not_wait_or_gives_up_leaves_nothing_behind_and_a_stop_ends_every_wait()
    {
        Assert.Equal(PoolState.Unknown, (await query.Find(Id(1), wait: false, CancellationToken.None)).Pool!.State);
        using var cancel = new CancellationTokenSource();
        var tired = query.Find(Id(2), wait: true, cancel.Token);
        var patient = query.Find(Id(2), wait: true, CancellationToken.None);
        await Eventually.Async(() => Task.FromResult(time.Timers == 2));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => tired);
        Assert.Equal(1, waits.Count);
        waits.Close(new InvalidOperationException("the node stops"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => patient);
        Assert.Equal(0, waits.Count);
        await Assert.ThrowsAsync<InvalidOperationException>(() => query.Find(Id(2), wait: true, CancellationToken.None));
    }

    [Fact]
    public async Task An_answer_is_made_once_for_all_who_ask_and_anew_for_a_newer_height()
    {
        var made = 0;
        var release = new TaskCompletionSource();
        var shared = new SharedAnswer<int>(
            async () =>
            {
                var number = Interlocked.Increment(ref made);
                await release.Task;
                return number < 3 ? number : throw new TimeoutException();
            },
            TimeSpan.FromMilliseconds(200),
            time);
        var first = Enumerable.Range(0, Many).Select(_ => shared.Get(1, CancellationToken.None)).ToList();
        var newer = Enumerable.Range(0, Many).Select(_ => shared.Get(2, CancellationToken.None)).ToList();
        release.SetResult();
        Assert.All(await Task.WhenAll(first), answer => Assert.InRange(answer, 1, 2));
        Assert.Single((await Task.WhenAll(newer)).Distinct());
        Assert.Equal(2, made);

        time.Advance(TimeSpan.FromMilliseconds(200));
        await shared.Get(2, CancellationToken.None);
        Assert.Equal(2, made);
        time.Advance(TimeSpan.FromMilliseconds(1));
        await Assert.ThrowsAsync<TimeoutException>(() => shared.Get(2, CancellationToken.None));
        // A failure is nobody else's answer.
        await Assert.ThrowsAsync<TimeoutException>(() => shared.Get(2, CancellationToken.None));
        Assert.Equal(4, made);
    }

    private static Hash256 Id(int number) => Hash256.Of([(byte)number, (byte)(number >> 8)]);

    private static Receipt ReceiptOf(Hash256 id, ulong height, int index) => new(id, height, (uint)index, ReceiptCode.Ok, 0);

    /// <summary>Does what makes all look, and lets the pool answer when all have asked.</summary>
    private async Task<T> Look<T>(Func<T> begin)
    {
        answering = new TaskCompletionSource();
        var result = begin();
        await Eventually.Async(() => Task.FromResult(waits.Count == Many));
        answering.SetResult();
        return result;
    }

    private void Commit(ulong height, params Hash256[] ids)
    {
        waits.OnCommitted([.. ids.Select((id, index) => ReceiptOf(id, height, index))]);
        heights.Advance(height);
    }

    private async Task<TransactionsFound> Ask(FindTransactions find)
    {
        await answering.Task;
        Interlocked.Increment(ref asks);
        if (find.Partition == 0) Interlocked.Add(ref idsAsked, find.TransactionIds.Count);
        lock (pool) return new TransactionsFound([.. find.TransactionIds.Select(id => new PoolTransactionState(pool.GetValueOrDefault(id), heights.Current))]);
    }
}
