using System.Text.Json.Serialization;
using Vivim.Client;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Cli.Load;

/// <summary>What a load came to.</summary>
/// <param name="Identities">People of the graph that are registered at the end.</param>
/// <param name="Submitted">Follows that this run handed in and got acknowledged.</param>
/// <param name="Committed">Follows of the graph that are in force, by this run or an earlier one.</param>
/// <param name="Rejected">Follows of the graph that failed or were refused for good.</param>
/// <param name="Rejections">How many were rejected by which refusal or receipt code; null when none was.</param>
/// <param name="Lost">Acknowledged follows without a receipt.</param>
/// <param name="Seconds">From the start to the certified end.</param>
/// <param name="TxPerSecond">Transactions that this run got committed, registrations among them, by <paramref name="Seconds"/>.</param>
/// <param name="Height">The certified height whose state contains the last follow.</param>
/// <param name="StateRoot">The state's root after it.</param>
/// <param name="IsComplete">True when everything was settled.</param>
public sealed record LoadResult(
    long Identities, long Submitted, long Committed, long Rejected, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, long>? Rejections, long Lost, double Seconds, double TxPerSecond, ulong Height, string StateRoot,
    [property: JsonIgnore] bool IsComplete);

/// <summary>Told how far a phase is: its name, the steps done and the steps in all.</summary>
public delegate void LoadProgress(string phase, long done, long total);

/// <summary>
/// Puts a graph on the chain: registers everybody who is not registered, then makes the follows of each person in their order. A person's
/// nonce is the position in their list, so the committed nonce is where to go on after any interruption.
/// </summary>
public sealed class GraphLoad(VivimClient client, FollowGraph graph, TimeProvider time)
{
    private const int MaxOutstanding = 20_000;
    private const int ParallelQueries = 32;
    private const ulong LongestExpiryStep = 1_000;

    private readonly GraphPeople people = new(graph);

    /// <summary>Runs the load to its end.</summary>
    /// <exception cref="VivimException">The node refuses a query or stays away.</exception>
    public async Task<LoadResult> RunAsync(LoadProgress report, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var genesis = await client.GetGenesisAsync(cancellationToken);
        var registrations = await RegisterAsync(genesis, report, cancellationToken);

        var status = await client.GetStatusAsync(cancellationToken);
        var accounts = await QueryAsync("accounts", registrations.WereRegistered, async (p, ct) => await client.GetAccountAsync(people.DidOf(p), ct), report, cancellationToken);
        var work = Enumerable.Range(0, people.Count).Select(p => new SenderWork((ulong)graph.Follows[p].Count, Included(accounts[p], p))).ToList();
        var plan = new SendPlan(work, genesis.Parameters.MaxNonceAhead, MaxOutstanding);
        var complete = await RunPlanAsync(plan, SignFollows(genesis.ChainId), genesis, status.Height, "follows", report, cancellationToken);

        status = await client.AwaitCertifiedAsync(cancellationToken);
        var inForceBefore = accounts.Select((a, p) => (long)Math.Min(a?.Following ?? 0, Included(a, p))).Sum();
        var failedBefore = work.Sum(w => (long)w.Included) - inForceBefore;
        var seconds = time.GetElapsedTime(start).TotalSeconds;
        var committed = registrations.Plan.Committed + plan.Committed;
        return new LoadResult(
            registrations.Identities, plan.Submitted, inForceBefore + plan.Committed, failedBefore + plan.Rejected, plan.Rejected > 0 ? plan.Rejections : null, plan.Unsettled,
            Math.Round(seconds, 3), Math.Round(committed / seconds, 1), status.CertifiedHeight, status.CertifiedStateRoot, complete);
    }

    private sealed record Registrations(SendPlan Plan, bool[] WereRegistered)
    {
        public long Identities => WereRegistered.Count(r => r) + Plan.Committed;
    }

    private async Task<Registrations> RegisterAsync(GenesisFile genesis, LoadProgress report, CancellationToken cancellationToken)
    {
        var status = await client.GetStatusAsync(cancellationToken);
        var everybody = Enumerable.Repeat(true, people.Count).ToArray();
        var identities = await QueryAsync("identities", everybody, async (p, ct) => await client.GetIdentityAsync(people.DidOf(p), ct), report, cancellationToken);
        var registered = identities.Select(i => i!.Found).ToArray();
        var plan = new SendPlan(registered.Select(r => new SenderWork(r ? 0UL : 1UL, 0)), genesis.Parameters.MaxNonceAhead, MaxOutstanding);
        var complete = await RunPlanAsync(plan, SignRegistration(genesis.ChainId), genesis, status.Height, "registrations", report, cancellationToken);
        if (!complete) throw new CommandFailedException("NO_PROGRESS", "the node has committed no registration for five minutes; look at its log, then run the same command again to go on");
        return new Registrations(plan, registered);
    }

    private async Task<bool> RunPlanAsync(SendPlan plan, TurnSigner sign, GenesisFile genesis, ulong height, string phase, LoadProgress report, CancellationToken cancellationToken)
    {
        if (plan.IsDone) return true;
        var expiryStep = Math.Clamp(genesis.Parameters.MaxExpiryAhead / 2, 1, LongestExpiryStep);
        var runner = new PlanRunner(client, plan, sign, genesis.ChainId, expiryStep, time);
        return await runner.RunAsync(height, settled => report(phase, settled, plan.Total), cancellationToken);
    }

    /// <summary>Asks the node about each wanted person; null for the others.</summary>
    private static async Task<T?[]> QueryAsync<T>(string phase, bool[] wanted, Func<int, CancellationToken, Task<T>> query, LoadProgress report, CancellationToken cancellationToken)
        where T : class
    {
        var answers = new T?[wanted.Length];
        var total = wanted.Count(w => w);
        long done = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = ParallelQueries, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(Enumerable.Range(0, wanted.Length).Where(i => wanted[i]), options, async (i, ct) =>
        {
            answers[i] = await query(i, ct);
            report(phase, Interlocked.Increment(ref done), total);
        });
        return answers;
    }

    private ulong Included(V1.GetAccountResponse? account, int person) => Math.Min(account?.Nonce ?? 0, (ulong)graph.Follows[person].Count);

    private TurnSigner SignRegistration(string chainId) => (turn, expiry) =>
    {
        using var key = people.KeyOf(turn.Sender);
        var body = new V1.TransactionBody
        {
            ChainId = chainId,
            Sender = people.KeyDidOf(turn.Sender).ToString(),
            Nonce = turn.FirstNonce,
            ExpiryHeight = expiry,
            RegisterIdentity = Person.Registration(key.PublicKey),
        };
        return [TransactionEnvelope.Sign(body, key)];
    };

    private TurnSigner SignFollows(string chainId) => (turn, expiry) =>
    {
        using var key = people.KeyOf(turn.Sender);
        var sender = people.DidOf(turn.Sender).ToString();
        var transactions = new TransactionEnvelope[turn.Count];
        for (var i = 0; i < turn.Count; i++)
        {
            var nonce = turn.FirstNonce + (ulong)i;
            var followee = people.DidOf(graph.Follows[turn.Sender][(int)nonce]).ToString();
            transactions[i] = TransactionEnvelope.Sign(new V1.TransactionBody { ChainId = chainId, Sender = sender, Nonce = nonce, ExpiryHeight = expiry, Follow = new V1.Follow { Followee = followee } }, key);
        }

        return transactions;
    };
}
