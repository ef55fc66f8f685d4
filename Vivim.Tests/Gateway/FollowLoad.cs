using Grpc.Core;
using Vivim.Protocol;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>
/// A load of transactions which must all succeed, in any number of attempts: registered people follow and unfollow their neighbours by turns.
/// Remembers what was acknowledged.
/// </summary>
internal sealed class FollowLoad : IDisposable
{
    private readonly IReadOnlyList<TestPerson> people;
    private readonly Dictionary<Hash256, TransactionEnvelope> unacknowledged;
    private (int Count, TaskCompletionSource Reached) goal = (int.MaxValue, new TaskCompletionSource());

    private FollowLoad(string chainId, IReadOnlyList<TestPerson> people, int each)
    {
        this.people = people;
        unacknowledged = Enumerable.Range(0, each)
            .SelectMany(nonce => people.Select((person, i) => person.Sign(Body(person, people[(i + 1) % people.Count], nonce))))
            .ToDictionary(envelope => envelope.IdOn(chainId));
        Transactions = [.. unacknowledged];
    }

    /// <summary>All of it, with ids, in the order of sending.</summary>
    public IReadOnlyList<KeyValuePair<Hash256, TransactionEnvelope>> Transactions { get; }

    /// <summary>What was sent before.</summary>
    public IEnumerable<TransactionEnvelope> Registrations => people.Select(person => person.Sign(person.Registration()));

    public HashSet<Hash256> Acknowledged { get; } = [];

    public bool IsAcknowledged => unacknowledged.Count == 0;

    /// <summary>Registers people and signs what they will send.</summary>
    /// <param name="each">Transactions of each person.</param>
    public static async Task<FollowLoad> PrepareAsync(NodeProcess node, int people, int each) =>
        new((await node.Client.GetStatusAsync()).ChainId, await TestPerson.RegisteredAsync(node, people), each);

    /// <summary>Completes when that many are acknowledged.</summary>
    public Task ReachedAsync(int count)
    {
        goal = (count, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        return goal.Reached.Task;
    }

    /// <summary>Sends, on one stream, what is not acknowledged yet, and reads the answers until all are there or the node is gone.</summary>
    public async Task SendAsync(NodeProcess node)
    {
        using var call = new V1.Chain.ChainClient(node.Channel).SubmitMany();
        var sent = unacknowledged.ToList();
        var sending = SendAllAsync(call.RequestStream, sent);
        try
        {
            foreach (var (id, _) in sent)
            {
                if (!await call.ResponseStream.MoveNext(CancellationToken.None)) return;
                Note(id, call.ResponseStream.Current);
            }
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled)
        {
            // The node is gone; what has no answer is sent again.
        }
        finally
        {
            call.Dispose();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Sends until all is acknowledged, and waits until all is in blocks.</summary>
    public async Task FinishAsync(NodeProcess node)
    {
        await Eventually.Async(async () =>
        {
            await SendAsync(node);
            return IsAcknowledged;
        });
        await Eventually.Async(async () => (await node.Client.GetStatusAsync()).PoolPending == 0);
    }

    public void Dispose()
    {
        foreach (var person in people) person.Dispose();
    }

    private static V1.TransactionBody Body(TestPerson person, TestPerson neighbour, int nonce) =>
        nonce % 2 == 0 ? person.Following(neighbour.Did, (ulong)nonce) : person.Unfollowing(neighbour.Did, (ulong)nonce);

    private static async Task SendAllAsync(IClientStreamWriter<V1.SubmitRequest> requests, List<KeyValuePair<Hash256, TransactionEnvelope>> transactions)
    {
        foreach (var (_, envelope) in transactions) await requests.WriteAsync(new V1.SubmitRequest { Transaction = envelope.ToMessage() });
        await requests.CompleteAsync();
    }

    private void Note(Hash256 id, V1.SubmitManyResponse answer)
    {
        if (answer.Refused is { } refused)
        {
            // Only these ask for another attempt; what stands behind a refused one may have a gap.
            Assert.True(refused.Reason is "POOL_FULL" or "OUTCOME_UNKNOWN" or "NONCE_GAP", refused.ToString());
            return;
        }

        Assert.Equal(id.ToString(), answer.Accepted.TransactionId);
        Acknowledged.Add(id);
        unacknowledged.Remove(id);
        if (Acknowledged.Count >= goal.Count) goal.Reached.TrySetResult();
    }
}
