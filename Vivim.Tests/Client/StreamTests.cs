using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Vivim.Client;
using Vivim.Gateway.Rpc;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Client;

/// <summary>Streams across broken connections.</summary>
public sealed class StreamTests
{
    private static readonly string[] History = ["1:0", "1:1", "3:0", "3:1", "3:2"];

    /// <summary>Has five events; each call but the last breaks after two items, at least once delivered again.</summary>
    private sealed class EventChain : ScriptedChain
    {
        public List<string> AskedFrom { get; } = [];

        public override async Task SubscribeEvents(V1.SubscribeEventsRequest request, IServerStreamWriter<V1.SubscribeEventsResponse> responseStream, ServerCallContext context)
        {
            AskedFrom.Add(request.From);
            var from = EventCursor.Parse(request.From);
            var sent = 0;
            foreach (var cursor in History.Where(c => EventCursor.Parse(c) >= from))
            {
                await responseStream.WriteAsync(new V1.SubscribeEventsResponse { Event = new V1.Event { Cursor = cursor } });
                if (++sent < 2 || AskedFrom.Count > 4) continue;
                await responseStream.WriteAsync(new V1.SubscribeEventsResponse { Event = new V1.Event { Cursor = cursor } });
                FakeNode.Break(context);
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            }
        }
    }

    [Fact]
    public async Task Events_come_once_and_in_order_across_broken_connections()
    {
        var chain = new EventChain();
        await using var node = await FakeNode.StartAsync(chain);
        var seen = new List<string>();

        await foreach (var item in node.Client.EventsAsync()) seen.Add(item.Cursor);

        Assert.Equal(History, seen);
        Assert.True(chain.AskedFrom.Count >= 3, "the stream was to break twice at least");
        Assert.Equal("0:0", chain.AskedFrom[0]);
    }

    /// <summary>Marks progress, breaks, and then has one event.</summary>
    private sealed class FilteredChain : ScriptedChain
    {
        public List<string> AskedFrom { get; } = [];

        public override async Task SubscribeEvents(V1.SubscribeEventsRequest request, IServerStreamWriter<V1.SubscribeEventsResponse> responseStream, ServerCallContext context)
        {
            AskedFrom.Add(request.From);
            if (AskedFrom.Count == 1)
            {
                await responseStream.WriteAsync(new V1.SubscribeEventsResponse { Progress = "7:0" });
                throw new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, "stopping"));
            }

            await responseStream.WriteAsync(new V1.SubscribeEventsResponse { Event = new V1.Event { Cursor = "9:0" } });
        }
    }

    [Fact]
    public async Task A_filtered_stream_resumes_from_the_last_progress_mark()
    {
        var chain = new FilteredChain();
        await using var node = await FakeNode.StartAsync(chain);
        var seen = new List<string>();

        await foreach (var item in node.Client.EventsAsync(types: ["FOLLOWED"])) seen.Add(item.Cursor);

        Assert.Equal(["9:0"], seen);
        Assert.Equal(["0:0", "7:0"], chain.AskedFrom);
    }

    /// <summary>Ends the first call as a node does whose caller does not read, has no room for the second, and has one event for the third.</summary>
    private sealed class LimitedChain : ScriptedChain
    {
        private const int EnhanceYourCalm = 0xb;

        public List<string> AskedFrom { get; } = [];

        public override async Task SubscribeEvents(V1.SubscribeEventsRequest request, IServerStreamWriter<V1.SubscribeEventsResponse> responseStream, ServerCallContext context)
        {
            AskedFrom.Add(request.From);
            if (AskedFrom.Count == 1)
            {
                await responseStream.WriteAsync(new V1.SubscribeEventsResponse { Progress = "7:0" });
                context.GetHttpContext().Features.GetRequiredFeature<IHttpResetFeature>().Reset(EnhanceYourCalm);
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            }

            if (AskedFrom.Count == 2) throw RpcErrors.TryLater("CALLS_LIMITED", "too many calls", TimeSpan.FromSeconds(1));
            await responseStream.WriteAsync(new V1.SubscribeEventsResponse { Event = new V1.Event { Cursor = "9:0" } });
        }
    }

    [Fact]
    public async Task A_stream_that_was_not_read_or_finds_no_room_is_opened_again_where_it_stopped()
    {
        var chain = new LimitedChain();
        await using var node = await FakeNode.StartAsync(chain);

        Assert.Equal("9:0", Assert.Single(await node.Client.EventsAsync(types: ["FOLLOWED"]).ToListAsync()).Cursor);

        // Whether the mark has arrived before the end is a matter of chance.
        Assert.Equal(("0:0", 3), (chain.AskedFrom[0], chain.AskedFrom.Count));
        Assert.Subset(new HashSet<string>(["0:0", "7:0"]), chain.AskedFrom.ToHashSet());
    }

    /// <summary>Has no room for the first calls.</summary>
    private sealed class FullChain(int refusals) : ScriptedChain
    {
        private int asked;

        public int Asked => asked;

        public override Task<V1.GetStatusResponse> GetStatus(V1.GetStatusRequest request, ServerCallContext context) =>
            Interlocked.Increment(ref asked) > refusals
                ? Task.FromResult(new V1.GetStatusResponse { Height = 7 })
                : throw RpcErrors.TryLater("ANSWERS_LIMITED", "too many answers", TimeSpan.FromMilliseconds(10));
    }

    [Fact]
    public async Task A_call_that_finds_no_room_is_made_again_a_bounded_number_of_times()
    {
        var busy = new FullChain(refusals: 2);
        await using (var node = await FakeNode.StartAsync(busy)) Assert.Equal(7UL, (await node.Client.GetStatusAsync()).Height);
        Assert.Equal(3, busy.Asked);

        var full = new FullChain(refusals: int.MaxValue);
        await using (var node = await FakeNode.StartAsync(full))
        {
            var failure = await Assert.ThrowsAsync<VivimException>(() => node.Client.GetStatusAsync());
            Assert.Equal(("ANSWERS_LIMITED", TimeSpan.FromMilliseconds(10)), (failure.Reason, failure.RetryAfter));
        }

        Assert.Equal(1 + VivimClient.RoomRetries, full.Asked);
    }

    private sealed class RefusingChain : ScriptedChain
    {
        public override Task SubscribeEvents(V1.SubscribeEventsRequest request, IServerStreamWriter<V1.SubscribeEventsResponse> responseStream, ServerCallContext context)
        {
            var status = new Google.Rpc.Status
            {
                Code = (int)Code.OutOfRange,
                Message = "the cursor 9:0 is in the future; the chain is at 3",
                Details = { Any.Pack(new ErrorInfo { Domain = "vivim", Reason = "CURSOR_IN_FUTURE" }) },
            };
            throw status.ToRpcException();
        }
    }

    [Fact]
    public async Task A_refused_cursor_is_an_error_with_its_reason_not_a_retry()
    {
        await using var node = await FakeNode.StartAsync(new RefusingChain());

        var refusal = await Assert.ThrowsAsync<VivimException>(async () => await node.Client.EventsAsync(new EventCursor(9, 0)).GetAsyncEnumerator().MoveNextAsync());

        Assert.Equal(("CURSOR_IN_FUTURE", "the cursor 9:0 is in the future; the chain is at 3"), (refusal.Reason, refusal.Message));
        Assert.False(refusal.OutcomeUnknown);
    }

    [Fact]
    public async Task Without_a_node_a_stream_fails_at_once()
    {
        using var client = VivimClient.Connect(new Uri("http://127.0.0.1:1"));

        var failure = await Assert.ThrowsAsync<VivimException>(async () => await client.EventsAsync(follow: true).GetAsyncEnumerator().MoveNextAsync());

        Assert.Equal(VivimException.Unreachable, failure.Reason);
    }

    /// <summary>Blocks 1 to 3, the connection breaking after each; with a hole when told so.</summary>
    private sealed class BlockChain(bool withHole) : ScriptedChain
    {
        public override async Task StreamBlocks(V1.StreamBlocksRequest request, IServerStreamWriter<V1.GetBlockResponse> responseStream, ServerCallContext context)
        {
            if (request.FromHeight > 3) return;
            await responseStream.WriteAsync(new V1.GetBlockResponse { Height = withHole && request.FromHeight == 2 ? 3 : request.FromHeight });
            throw new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, "stopping"));
        }
    }

    [Fact]
    public async Task Blocks_come_once_and_in_order_across_broken_connections()
    {
        await using var node = await FakeNode.StartAsync(new BlockChain(withHole: false));
        var seen = new List<ulong>();

        await foreach (var block in node.Client.BlocksAsync(0)) seen.Add(block.Height);

        Assert.Equal([1, 2, 3], seen);
    }

    [Fact]
    public async Task A_left_out_block_is_noticed()
    {
        await using var node = await FakeNode.StartAsync(new BlockChain(withHole: true));

        var failure = await Assert.ThrowsAsync<VivimException>(async () =>
        {
            await foreach (var block in node.Client.BlocksAsync(1)) Assert.Equal(1UL, block.Height);
        });

        Assert.Equal("BLOCK_MISSING", failure.Reason);
    }
}
