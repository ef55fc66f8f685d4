using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Grpc.Core;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Client;

/// <summary>The node's answer to one transaction: taken, which is durable, or refused for a reason. Exactly one is set.</summary>
public readonly record struct Submission(TransactionEnvelope Transaction, V1.SubmitResponse? Accepted, V1.Refused? Refused);

/// <summary>
/// Streams transactions to a node across broken connections. A transaction is kept until it is answered, so that after a break
/// the same bytes go out again, in the same order.
/// </summary>
public sealed class SubmitPipeline : IDisposable
{
    /// <summary>Transactions sent, or about to be, that have no answer yet.</summary>
    public const int MaxUnanswered = 4_096;

    private readonly Func<CancellationToken, AsyncDuplexStreamingCall<V1.SubmitRequest, V1.SubmitManyResponse>> open;
    private readonly Uri node;
    private readonly Backoff backoff;
    private readonly Channel<TransactionEnvelope> input = Channel.CreateBounded<TransactionEnvelope>(MaxUnanswered);
    private readonly SemaphoreSlim places = new(MaxUnanswered);
    private readonly Lock gate = new();
    private readonly Queue<TransactionEnvelope> unanswered = new();
    private TimeSpan? retryAfter;

    internal SubmitPipeline(Func<CancellationToken, AsyncDuplexStreamingCall<V1.SubmitRequest, V1.SubmitManyResponse>> open, Uri node, Backoff backoff)
    {
        this.open = open;
        this.node = node;
        this.backoff = backoff;
    }

    internal async IAsyncEnumerable<Submission> RunAsync(IAsyncEnumerable<TransactionEnvelope> transactions, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pump = Task.Run(() => PumpAsync(transactions, stop.Token), CancellationToken.None);
        try
        {
            while (!IsFinished())
            {
                await foreach (var submission in StreamOnceAsync(cancellationToken)) yield return submission;
                if (IsFinished()) break;
                if (await backoff.TryWaitAsync(cancellationToken, retryAfter)) continue;
                var message = $"the node at {node.OriginalString} has answered no transaction for too long; look at its log";
                throw new VivimException(VivimException.Unreachable, message);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await pump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await pump;
    }

    public void Dispose() => places.Dispose();

    /// <summary>True when the source has ended, or failed, and every transaction of it is answered.</summary>
    private bool IsFinished()
    {
        lock (gate) return input.Reader.Completion.IsCompleted && unanswered.Count == 0;
    }

    private async Task PumpAsync(IAsyncEnumerable<TransactionEnvelope> transactions, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var transaction in transactions.WithCancellation(cancellationToken))
            {
                await places.WaitAsync(cancellationToken);
                await input.Writer.WriteAsync(transaction, cancellationToken);
            }
        }
        finally
        {
            input.Writer.Complete();
        }
    }

    /// <summary>One connection's worth: yields answers until everything is answered or the connection breaks.</summary>
    private async IAsyncEnumerable<Submission> StreamOnceAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var call = open(stop.Token);
        var sending = SendAsync(call.RequestStream, stop.Token);
        try
        {
            while (await AnsweredAsync(call.ResponseStream, cancellationToken) is { } submission)
            {
                backoff.Progress();
                yield return submission;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SendAsync(IClientStreamWriter<V1.SubmitRequest> requests, CancellationToken cancellationToken)
    {
        TransactionEnvelope[] resent;
        lock (gate) resent = [.. unanswered];
        foreach (var transaction in resent) await requests.WriteAsync(Request(transaction), cancellationToken);
        while (await input.Reader.WaitToReadAsync(cancellationToken))
        {
            TransactionEnvelope? transaction;
            lock (gate)
            {
                if (!input.Reader.TryRead(out transaction)) continue;
                unanswered.Enqueue(transaction);
            }

            await requests.WriteAsync(Request(transaction), cancellationToken);
        }

        await requests.CompleteAsync();
    }

    /// <summary>The next answer; null at the stream's end or when the connection broke.</summary>
    private async Task<Submission?> AnsweredAsync(IAsyncStreamReader<V1.SubmitManyResponse> responses, CancellationToken cancellationToken)
    {
        retryAfter = null;
        try
        {
            if (!await responses.MoveNext(cancellationToken)) return null;
        }
        catch (RpcException e) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("the submission was cancelled", e, cancellationToken);
        }
        catch (RpcException e)
        {
            var failure = VivimException.From(e, node);
            if (!failure.IsTransient) throw failure;
            retryAfter = failure.RetryAfter;
            return null;
        }

        TransactionEnvelope transaction;
        lock (gate)
        {
            if (!unanswered.TryDequeue(out transaction!)) throw new VivimException("UNEXPECTED_ANSWER", "the node answered a transaction that was not sent");
        }

        places.Release();
        var answer = responses.Current;
        return new Submission(transaction, answer.Accepted, answer.Refused);
    }

    private static V1.SubmitRequest Request(TransactionEnvelope transaction) => new() { Transaction = transaction.ToMessage() };
}
