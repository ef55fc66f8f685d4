using Grpc.Core;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>What a restart must not change, and what a resubmission means before and after it.</summary>
[Collection(NodeCollection.Name)]
public sealed class RestartTests
{
    private const string Quick = "genesis.block-interval = 250ms";

    /// <summary>After the first block, which comes at once, there is none for as long as any test runs.</summary>
    private const string Stalled = "genesis { block-interval = 600s, empty-block-interval = 600s }";

    public static TheoryData<bool> BothWays => [true, false];

    [Theory]
    [MemberData(nameof(BothWays))]
    public async Task A_restart_keeps_state_events_and_receipts_and_the_chain_goes_on(bool inPeace)
    {
        using var files = new NodeFiles();
        await using var first = await NodeProcess.StartAsync(files, Quick);
        using var load = await FollowLoad.PrepareAsync(first, people: 4, each: 50);
        await load.FinishAsync(first);
        var genesis = GenesisFile.FromJson(await File.ReadAllBytesAsync(files.Genesis));
        var (id, envelope) = load.Transactions[0];
        var receipt = (await first.Client.GetTransactionAsync(id)).Receipt;
        var before = await first.Client.GetStatusAsync();
        var events = await first.Client.EventsAsync().ToListAsync();
        if (inPeace) await first.StopAsync();
        else await first.KillAsync();

        await using var second = await NodeProcess.StartAsync(files, Quick);
        var after = await second.Client.GetStatusAsync();
        var again = await second.Client.SubmitAsync(envelope);
        var more = await TestPerson.RegisteredAsync(second);
        var listed = await second.Client.EventsAsync().ToListAsync();

        Assert.Equal(before.GenesisHash, after.GenesisHash);
        Assert.InRange(after.Height, before.Height, ulong.MaxValue);
        Assert.Equal((V1.TransactionState.Committed, receipt), (again.State, again.Receipt));
        Assert.Equal(204, events.Count);
        Assert.Equal(events, listed.SkipLast(1));
        Assert.Equal(more.Did.ToString(), listed[^1].Actor);
        Assert.Equal(listed.Select(e => EventCursor.Parse(e.Cursor)).Order(), listed.Select(e => EventCursor.Parse(e.Cursor)));
        Assert.Equal(listed.Count, listed.DistinctBy(e => e.Cursor).Count());
        await DownloadedChain.VerifyAsync(second, genesis);
    }

    [Fact]
    public async Task What_waits_is_pending_however_often_it_is_sent_also_after_a_kill()
    {
        using var files = new NodeFiles();
        await using var first = await NodeProcess.StartAsync(files, Stalled);
        await Eventually.Async(async () => (await first.Client.GetStatusAsync()).Height == 1);
        using var alice = new TestPerson((await first.Client.GetStatusAsync()).ChainId);
        var envelope = alice.Sign(alice.Registration());

        var answer = await first.Client.SubmitAsync(envelope);
        Assert.Equal(answer, await first.Client.SubmitAsync(envelope));
        await first.KillAsync();
        await using var second = await NodeProcess.StartAsync(files, Stalled);

        Assert.Equal(V1.TransactionState.Pending, answer.State);
        Assert.Equal(V1.TransactionState.Pending, (await second.Client.GetTransactionAsync(Hash256.FromHex(answer.TransactionId))).State);
        Assert.Equal(answer, await second.Client.SubmitAsync(envelope));
        Assert.Equal(1UL, (await second.Client.GetStatusAsync()).PoolPending);
    }

    [Fact]
    public async Task Thousands_on_one_stream_are_answered_in_the_order_sent()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, Quick);
        using var load = await FollowLoad.PrepareAsync(node, people: 8, each: 625);

        // The load itself compares the id of each answer with what was sent in its place.
        await load.SendAsync(node, until: () => false);

        Assert.Equal(5_000, load.Acknowledged.Count);
        Assert.True(load.Transactions.Sum(t => t.Value.Size) > 1 << 20, "one message's limit does not bound the stream");
    }

    [Fact]
    public async Task A_node_that_is_told_to_stop_ends_the_streams_that_follow_it()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files);
        var chain = new V1.Chain.ChainClient(node.Channel);
        using var events = chain.SubscribeEvents(new V1.SubscribeEventsRequest { Follow = true });
        using var blocks = chain.StreamBlocks(new V1.StreamBlocksRequest { Follow = true });
        using var waiting = chain.GetTransactionAsync(new V1.GetTransactionRequest { Id = new string('0', 64), Wait = true });
        Assert.True(await blocks.ResponseStream.MoveNext(CancellationToken.None));

        node.Terminate();

        await SeenRefusal.IsAsync(StatusCode.Unavailable, "NOT_READY", () => events.ResponseStream.MoveNext(CancellationToken.None));
        await SeenRefusal.IsAsync(StatusCode.Unavailable, "NOT_READY", async () => _ = await blocks.ResponseStream.ReadAllAsync().ToListAsync());
        await SeenRefusal.IsAsync(StatusCode.Unavailable, "NOT_READY", async () => await waiting);
        Assert.Equal(new NodeExit(0, ""), await node.ExitAsync());
    }
}
