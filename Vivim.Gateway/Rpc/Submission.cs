using Akka;
using Akka.Actor;
using Akka.Streams;
using Akka.Streams.Dsl;
using Grpc.Core;
using Vivim.Chain.Pool;
using Vivim.Gateway.Node;
using Vivim.Gateway.Telemetry;
using Vivim.Ledger.Execution;
using Vivim.Protocol.Transactions;
using Vivim.Protocol.V1;
using Transaction = Vivim.Protocol.Transactions.Transaction;

namespace Vivim.Gateway.Rpc;

/// <summary>Brings transactions to their pool partitions and the outcomes back, in order.</summary>
/// <param name="origin">The address that they come from.</param>
internal sealed class Submission(RunningNode node, string origin)
{
    /// <summary>Batches of one stream under way at once; the client is read no faster.</summary>
    private const int BatchesUnderWay = 8;

    /// <summary>Refusals that end with the window.</summary>
    private static readonly HashSet<string> WindowReasons =
    [
        Refusal.CodeOf(RefusalReason.QuotaExceeded),
        Refusal.CodeOf(RefusalReason.RegistrationsExceeded), Refusal.CodeOf(RefusalReason.RegistrationsLimited),
    ];

    // Taken in the call itself: what a stream does runs elsewhere.
    private readonly string trace = Correlation.TraceParent;

    private static readonly TimeSpan PoolLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan GroupingDelay = TimeSpan.FromMilliseconds(5);

    /// <summary>Submits one.</summary>
    /// <exception cref="RpcException">It is refused, or its outcome is unknown.</exception>
    public async Task<SubmitResponse> Submit(SignedTransaction? message, CancellationToken cancellation)
    {
        var response = (await SubmitBatch([SubmittedMessage.Of(message)], cancellation))[0];
        if (response.ResultCase == SubmitManyResponse.ResultOneofCase.Accepted) return response.Accepted;
        var refused = response.Refused;
        throw WindowReasons.Contains(refused.Reason)
            ? RpcErrors.TryLater(refused.Reason, refused.Message, UntilNextWindow())
            : RpcErrors.Of((StatusCode)refused.Code, refused.Reason, refused.Message);
    }

    /// <summary>The time to the next window of quota and registrations, at the fastest pace of blocks.</summary>
    private TimeSpan UntilNextWindow()
    {
        var parameters = node.Genesis.Parameters;
        var next = node.Chain.Heights().Newest + 1;
        return TimeSpan.FromMilliseconds((InclusionRules.NextWindow(next, parameters) - next) * (double)parameters.BlockIntervalMs);
    }

    /// <summary>Submits a stream with back-pressure.</summary>
    public async Task SubmitMany(
        IAsyncStreamReader<SubmitRequest> requests, IServerStreamWriter<SubmitManyResponse> responses, ServerCallContext context)
    {
        var cancellation = context.CancellationToken;
        await Source.From(() => SubmittedMessage.Read(requests, context.TakeBytes, cancellation))
            .GroupedWithin(SubmitTransactions.MaxTransactions, GroupingDelay)
            .SelectAsync(BatchesUnderWay, async group =>
            {
                IReadOnlyList<SubmittedMessage> batch = [.. group];
                return (Messages: batch, Responses: await SubmitBatch(batch, cancellation));
            })
            .SelectAsync(1, async batch =>
            {
                foreach (var (message, response) in batch.Messages.Zip(batch.Responses))
                {
                    using (message.Held) await responses.WriteAsync(response, cancellation);
                }

                return NotUsed.Instance;
            })
            .RunWith(Sink.Ignore<NotUsed>(), node.Streams);
    }

    private async Task<IReadOnlyList<SubmitManyResponse>> SubmitBatch(
        IReadOnlyList<SubmittedMessage> messages, CancellationToken cancellation)
    {
        var responses = new SubmitManyResponse[messages.Count];
        var byPartition = new Dictionary<int, List<(int Index, TransactionEnvelope Envelope)>>();
        for (var i = 0; i < responses.Length; i++)
        {
            if (!TryRead(messages[i], out var envelope, out var partition, out var refusal))
            {
                responses[i] = Refused(envelope?.IdOn(node.Genesis.ChainId).ToString() ?? "", refusal!);
                continue;
            }

            if (!byPartition.TryGetValue(partition, out var list)) byPartition[partition] = list = [];
            list.Add((i, envelope!));
        }

        await Task.WhenAll(byPartition.Select(group => SubmitToPartition(group.Key, group.Value, responses, cancellation)));
        return responses;
    }

    private async Task SubmitToPartition(
        int partition, List<(int Index, TransactionEnvelope Envelope)> group, SubmitManyResponse[] responses, CancellationToken cancellation)
    {
        var taken = group.Select(g => g.Envelope.IdOn(node.Genesis.ChainId)).ToList();
        foreach (var id in taken) node.Accepted.Take(id);
        try
        {
            var request = new SubmitTransactions(partition, [.. group.Select(g => g.Envelope)], node.Chain.Heights().Newest) { TraceParent = trace, Origin = origin };
            var answer = await node.Pool.AskPool<SubmitOutcomes>(request, PoolLimit, cancellation);
            for (var i = 0; i < group.Count; i++)
            {
                var outcome = answer.Outcomes[i];
                // What is committed already, or never will be, has nothing to wait for.
                if (outcome.Receipt is not null || outcome.Refusal is not null) node.Accepted.Forget(taken[i]);
                responses[group[i].Index] = ToResponse(outcome);
            }
        }
        catch (Exception e) when (e is AskTimeoutException or TaskCanceledException { CancellationToken.IsCancellationRequested: false })
        {
            foreach (var (index, envelope) in group)
            {
                responses[index] = new SubmitManyResponse
                {
                    Refused = new Refused
                    {
                        TransactionId = envelope.IdOn(node.Genesis.ChainId).ToString(),
                        Code = (int)StatusCode.Unavailable,
                        Reason = Refusal.OutcomeUnknown,
                        Message = RpcErrors.OutcomeUnknownMessage,
                    },
                };
            }
        }
    }

    private static bool TryRead(SubmittedMessage message, out TransactionEnvelope? envelope, out int partition, out Refusal? refusal)
    {
        partition = 0;
        envelope = message.Transaction is null ? null : TransactionEnvelope.FromMessage(message.Transaction);
        if (envelope is null)
        {
            refusal = message.TooLarge
                ?? new Refusal(RefusalReason.Malformed, "a signed transaction has a body, a signer of 32 bytes and a signature of 64");
            return false;
        }

        if (!Transaction.TryDecode(envelope, out var transaction, out refusal)) return false;
        partition = PoolPartitions.Of(transaction.Sender);
        return true;
    }

    private static SubmitManyResponse ToResponse(SubmitOutcome outcome) => outcome.Refusal is { } refusal
        ? Refused(outcome.TransactionId.ToString(), refusal)
        : new SubmitManyResponse
        {
            Accepted = new SubmitResponse
            {
                TransactionId = outcome.TransactionId.ToString(),
                State = outcome.Receipt is null ? TransactionState.Pending : TransactionState.Committed,
                Receipt = outcome.Receipt?.ToMessage(),
            },
        };

    private static SubmitManyResponse Refused(string id, Refusal refusal) => new() { Refused = ToMessage(id, refusal) };

    /// <summary>A refusal as clients get it.</summary>
    public static Refused ToMessage(string id, Refusal refusal) => new()
    {
        TransactionId = id,
        Code = (int)RpcErrors.CodeOf(refusal.Reason),
        Reason = refusal.Code,
        Message = refusal.Message,
    };
}
