using Google.Protobuf;
using Grpc.Core;
using Vivim.Client;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Client;

/// <summary>Submissions across broken connections: the same bytes again, one outcome each.</summary>
public sealed class SubmitTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:1");

    /// <summary>Takes transactions on a stream and breaks the connection after every third, before the answer is out.</summary>
    private sealed class BreakingChain : ScriptedChain
    {
        public List<ByteString> Received { get; } = [];

        public override async Task SubmitMany(IAsyncStreamReader<V1.SubmitRequest> requestStream, IServerStreamWriter<V1.SubmitManyResponse> responseStream, ServerCallContext context)
        {
            var breaks = Received.Count < 12;
            while (await requestStream.MoveNext(context.CancellationToken))
            {
                Received.Add(requestStream.Current.Transaction.Body);
                if (breaks && Received.Count % 3 == 0)
                {
                    FakeNode.Break(context);
                    return;
                }

                await responseStream.WriteAsync(new V1.SubmitManyResponse { Accepted = new V1.SubmitResponse { State = V1.TransactionState.Pending } });
            }
        }
    }

    private static async IAsyncEnumerable<TransactionEnvelope> TransactionsAsync(int count)
    {
        using var key = SigningKey.Generate();
        for (var nonce = 0; nonce < count; nonce++)
        {
            yield return TransactionEnvelope.Sign(new V1.TransactionBody { ChainId = "test", Nonce = (ulong)nonce }, key);
            await Task.Yield();
        }
    }

    [Fact]
    public async Task Each_transaction_has_one_outcome_in_order_and_is_resent_unchanged()
    {
        var chain = new BreakingChain();
        await using var node = await FakeNode.StartAsync(chain);
        var answered = new List<TransactionEnvelope>();

        await foreach (var submission in node.Client.SubmitManyAsync(TransactionsAsync(20)))
        {
            Assert.Equal(V1.TransactionState.Pending, submission.Accepted!.State);
            answered.Add(submission.Transaction);
        }

        Assert.Equal(Enumerable.Range(0, 20).Select(n => (ulong)n), answered.Select(t => V1.TransactionBody.Parser.ParseFrom(t.Body.Span).Nonce));
        Assert.Equal(20, chain.Received.Distinct().Count());
        Assert.True(chain.Received.Count > 20, "some were to be sent again");
    }

    [Fact]
    public async Task A_failing_source_fails_the_submission()
    {
        await using var node = await FakeNode.StartAsync(new BreakingChain());

        await Assert.ThrowsAsync<InvalidDataException>(async () =>
        {
            await foreach (var submission in node.Client.SubmitManyAsync(FailingAsync())) Assert.NotNull(submission.Accepted);
        });

        static async IAsyncEnumerable<TransactionEnvelope> FailingAsync()
        {
            await foreach (var transaction in TransactionsAsync(2)) yield return transaction;
            throw new InvalidDataException("the source broke");
        }
    }

    [Fact]
    public async Task An_abandoned_submission_stops()
    {
        await using var node = await FakeNode.StartAsync(new BreakingChain());

        await foreach (var submission in node.Client.SubmitManyAsync(TransactionsAsync(100_000)))
        {
            Assert.NotNull(submission.Accepted);
            break;
        }
    }

    /// <summary>Does not answer the first two times.</summary>
    private sealed class AwayChain : ScriptedChain
    {
        public List<ByteString> Received { get; } = [];

        public override Task<V1.SubmitResponse> Submit(V1.SubmitRequest request, ServerCallContext context)
        {
            Received.Add(request.ToByteString());
            if (Received.Count < 3) throw new RpcException(new Status(StatusCode.Unavailable, "stopping"));
            return Task.FromResult(new V1.SubmitResponse { State = V1.TransactionState.Pending });
        }
    }

    [Fact]
    public async Task One_transaction_is_sent_again_unchanged_until_there_is_an_answer()
    {
        var chain = new AwayChain();
        await using var node = await FakeNode.StartAsync(chain);

        await foreach (var transaction in TransactionsAsync(1)) await node.Client.SubmitAsync(transaction);

        Assert.Equal(3, chain.Received.Count);
        Assert.Single(chain.Received.Distinct());
    }

    [Fact]
    public async Task Cancelling_ends_the_waiting()
    {
        using var client = VivimClient.Connect(Nowhere);
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));

        await foreach (var transaction in TransactionsAsync(1))
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.SubmitAsync(transaction, stop.Token));
    }

    /// <summary>A clock that jumps ahead by whatever is waited for.</summary>
    private sealed class JumpingTime : TimeProvider
    {
        private TimeSpan now;

        public List<TimeSpan> Waits { get; } = [];

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime > TimeSpan.Zero) Waits.Add(dueTime);
            now += dueTime;
            return System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    [Fact]
    public async Task The_back_off_doubles_up_to_a_limit_and_is_exhausted_after_five_minutes_of_failures()
    {
        var time = new JumpingTime();
        var backoff = new Backoff(time);
        while (await backoff.TryWaitAsync(CancellationToken.None)) Assert.True(time.Waits.Count < 1_000, "it never gives up");

        Assert.InRange(time.Waits[0].TotalMilliseconds, 50, 100);
        Assert.InRange(time.Waits[3].TotalMilliseconds, 400, 800);
        Assert.All(time.Waits, w => Assert.True(w <= TimeSpan.FromSeconds(5)));
        Assert.InRange(time.Waits.Sum(w => w.TotalSeconds), 300, 305);

        backoff.Progress();
        Assert.True(await backoff.TryWaitAsync(CancellationToken.None));
    }
}
