using System.Collections.Concurrent;
using System.Diagnostics;
using Vivim.Client;
using Vivim.Protocol;
using Vivim.Protocol.Transactions;

namespace Vivim.Faults.Traffic;

/// <summary>
/// The client outside: people who submit at a steady rate through several nodes. Whoever gets no answer sends the same bytes to the next node
/// until there is one, so that nobody ever has two transactions for a nonce. Every acknowledgement is remembered.
/// </summary>
internal sealed class SteadyTraffic : IAsyncDisposable
{
    private static readonly TimeSpan AttemptLimit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan QuietLimit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);

    private readonly IReadOnlyList<VivimClient> nodes;
    private readonly BlockWatch watch;
    private readonly IReadOnlyList<Follower> people;
    private readonly double perSecond;
    private readonly ConcurrentQueue<int> idle;
    private readonly ConcurrentDictionary<Hash256, long> submitted = [];
    private readonly ConcurrentDictionary<Hash256, byte> acknowledged = [];
    private readonly ConcurrentDictionary<string, int> refusals = [];
    private readonly CancellationTokenSource stopMaking = new();
    private readonly CancellationTokenSource stopSending = new();
    private readonly Task making;
    private int unanswered;
    private volatile bool isPaused;

    private SteadyTraffic(IReadOnlyList<VivimClient> nodes, BlockWatch watch, IReadOnlyList<Follower> people, double perSecond)
    {
        this.nodes = nodes;
        this.watch = watch;
        this.people = people;
        this.perSecond = perSecond;
        idle = new ConcurrentQueue<int>(Enumerable.Range(0, people.Count));
        making = MakeAsync();
    }

    /// <summary>Ids of the transactions that a node has said are durable.</summary>
    public IReadOnlyCollection<Hash256> Acknowledged => [.. acknowledged.Keys];

    /// <summary>Why nodes have refused, and how often; a refused transaction is sent again all the same.</summary>
    public IReadOnlyDictionary<string, int> Refusals => refusals;

    /// <summary>Transactions sent that no node has answered yet.</summary>
    public int Unanswered => Volatile.Read(ref unanswered);

    /// <summary>The <see cref="Stopwatch"/> timestamps at which acknowledged transactions were first sent.</summary>
    public IEnumerable<(Hash256 Id, long At)> Submitted => submitted.Where(s => acknowledged.ContainsKey(s.Key)).Select(s => (s.Key, s.Value));

    /// <summary>Registers people through the nodes, waits until they are on the chain, and starts.</summary>
    /// <param name="count">Of people, at least 2. Each has one transaction at a time.</param>
    public static async Task<SteadyTraffic> StartAsync(IReadOnlyList<VivimClient> nodes, BlockWatch watch, string chainId, int count, double perSecond, CancellationToken cancellationToken)
    {
        var crowd = Enumerable.Range(0, count).Select(_ => new Follower(chainId)).ToList();
        var registrations = crowd.Select(person => person.Registration(watch.Height)).ToList();
        await foreach (var answer in nodes[0].SubmitManyAsync(registrations.ToAsyncEnumerable(), cancellationToken))
        {
            if (answer.Refused is { } refused) throw new FaultsException($"a registration was refused: {refused.Reason}: {refused.Message}");
        }

        await watch.CommittedAsync([.. registrations.Select(r => r.IdOn(chainId))], TimeSpan.FromMinutes(1), cancellationToken);
        return new SteadyTraffic(nodes, watch, crowd, perSecond);
    }

    /// <summary>Makes no transactions until <see cref="Resume"/>, and waits until every one made is acknowledged and in a block.</summary>
    /// <exception cref="FaultsException">They are not within a minute.</exception>
    public async Task QuiesceAsync(CancellationToken cancellationToken)
    {
        isPaused = true;
        var clock = Stopwatch.StartNew();
        while (Unanswered > 0 && clock.Elapsed < QuietLimit) await Task.Delay(Retry, cancellationToken);
        if (Unanswered > 0 || !await watch.CommittedAsync(Acknowledged, QuietLimit, cancellationToken)) throw new FaultsException($"traffic does not come to rest: {Unanswered} transactions unanswered after {QuietLimit.TotalSeconds:N0} s");
    }

    public void Resume() => isPaused = false;

    /// <summary>Makes no more transactions and waits until those made are answered.</summary>
    /// <param name="limit">Afterwards the unanswered are given up: they may be on the chain or not.</param>
    public async Task StopAsync(TimeSpan limit)
    {
        await stopMaking.CancelAsync();
        await making;
        var clock = Stopwatch.StartNew();
        while (Unanswered > 0 && clock.Elapsed < limit) await Task.Delay(Retry);
        await stopSending.CancelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        while (Unanswered > 0) await Task.Delay(Retry);
        foreach (var person in people) person.Dispose();
        stopMaking.Dispose();
        stopSending.Dispose();
    }

    private async Task MakeAsync()
    {
        var clock = Stopwatch.StartNew();
        for (long due = 0; !stopMaking.IsCancellationRequested; due++)
        {
            var wait = TimeSpan.FromSeconds(due / perSecond) - clock.Elapsed;
            if (wait > TimeSpan.Zero) await Task.Delay(wait, stopMaking.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // While nobody answers everybody waits, and the rate falls: what was missed is not made up for.
            if (!stopMaking.IsCancellationRequested && !isPaused && idle.TryDequeue(out var who)) _ = SubmitAsync(who);
        }
    }

    private async Task SubmitAsync(int who)
    {
        Interlocked.Increment(ref unanswered);
        try
        {
            // A clock of its own for each: signing takes time, and the maker must keep its rate.
            await Task.Yield();
            var transaction = people[who].Next(who, people, watch.Height);
            var id = people[who].IdOf(transaction);
            submitted[id] = Stopwatch.GetTimestamp();
            for (var node = who; !stopSending.IsCancellationRequested; node++)
            {
                if (await IsTakenAsync(nodes[node % nodes.Count], transaction))
                {
                    acknowledged[id] = 0;
                    idle.Enqueue(who);
                    return;
                }

                await Task.Delay(Retry, stopSending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            Interlocked.Decrement(ref unanswered);
        }
    }

    private async Task<bool> IsTakenAsync(VivimClient node, TransactionEnvelope transaction)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopSending.Token);
        limit.CancelAfter(AttemptLimit);
        try
        {
            await node.SubmitAsync(transaction, TimeSpan.Zero, limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (VivimException e)
        {
            if (!e.OutcomeUnknown) refusals.AddOrUpdate(e.Reason, 1, static (_, count) => count + 1);
            return false;
        }
    }
}
