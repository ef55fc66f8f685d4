using Google.Protobuf;
using Grpc.Core;
using Vivim.Gateway.Rpc;
using Vivim.Protocol.Transactions;
using Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>How a stream of transactions is read.</summary>
public sealed class SubmittedMessageTests
{
    [Fact]
    public async Task A_message_is_counted_before_the_next_is_read_and_a_body_that_is_too_long_is_not_kept()
    {
        var stream = new Endless(TransactionEnvelope.MaxBodySize, TransactionEnvelope.MaxBodySize + 1);
        var room = new Queue<TaskCompletionSource<IDisposable>>([new(), new(), new()]);
        var wanted = new List<long>();
        var waiting = room.ToArray();
        await using var messages = SubmittedMessage.Read(stream, size =>
        {
            wanted.Add(size);
            return room.Dequeue().Task;
        }, CancellationToken.None).GetAsyncEnumerator();

        var first = messages.MoveNextAsync().AsTask();
        Assert.False(first.IsCompleted);
        Assert.Equal(1, stream.Taken);
        using var held = new MemoryStream();
        waiting[0].SetResult(held);
        Assert.True(await first);
        Assert.Equal((held, TransactionEnvelope.MaxBodySize), (messages.Current.Held, messages.Current.Transaction!.Body.Length));

        waiting[1].SetResult(held);
        Assert.True(await messages.MoveNextAsync());
        Assert.Equal((null, RefusalReason.TooLarge), (messages.Current.Transaction, messages.Current.TooLarge!.Reason));
        Assert.Equal([TransactionEnvelope.MaxBodySize + SubmittedMessage.BesideBody, SubmittedMessage.BesideBody], wanted);

        waiting[2].SetException(RpcErrors.NotReady());
        await Assert.ThrowsAsync<RpcException>(async () => await messages.MoveNextAsync());
    }

    /// <summary>Always has another message, with bodies of these lengths in turn.</summary>
    private sealed class Endless(params IReadOnlyList<int> lengths) : IAsyncStreamReader<SubmitRequest>
    {
        public int Taken { get; private set; }

        public SubmitRequest Current { get; private set; } = new();

        public Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            Current = new SubmitRequest { Transaction = new SignedTransaction { Body = ByteString.CopyFrom(new byte[lengths[Taken % lengths.Count]]) } };
            Taken++;
            return Task.FromResult(true);
        }
    }
}
