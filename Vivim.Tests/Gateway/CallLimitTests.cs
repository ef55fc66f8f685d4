using System.Net;
using System.Net.Sockets;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>One address cannot keep a node from answering others: each has its own places and turns.</summary>
[Collection(NodeCollection.Name)]
public sealed class CallLimitTests : IAsyncLifetime, IDisposable
{
    private const int Scans = 4;
    private const int Waits = 3;

    private readonly NodeFiles files = new();
    private NodeProcess node = null!;

    private V1.Chain.ChainClient Chain => new(node.Channel);

    public async Task InitializeAsync() =>
        node = await NodeProcess.StartAsync(files, $"grpc {{ max-scans-per-address = {Scans}, max-waits-per-address = {Waits} }}");

    public async Task DisposeAsync() => await node.DisposeAsync();

    public void Dispose() => files.Dispose();

    [Fact]
    public async Task Streams_beyond_the_share_of_an_address_are_refused_and_those_of_another_are_not()
    {
        using var end = new CancellationTokenSource();
        var streams = new List<AsyncServerStreamingCall<V1.SubscribeEventsResponse>>();
        for (var i = 0; i < Scans; i++)
        {
            streams.Add(Chain.SubscribeEvents(new V1.SubscribeEventsRequest { Follow = true, From = "1:0", Types_ = { "UNFOLLOWED" } }, cancellationToken: end.Token));
            // The first mark of progress tells that it is at the chain's end and waits.
            Assert.True(await streams[i].ResponseStream.MoveNext(CancellationToken.None));
        }

        var refusal = await Assert.ThrowsAsync<RpcException>(() => EventsAsync(Chain));
        Assert.Equal((StatusCode.ResourceExhausted, "CALLS_LIMITED"), (refusal.StatusCode, refusal.GetRpcStatus()!.GetDetail<ErrorInfo>()!.Reason));
        Assert.True(refusal.GetRpcStatus()!.GetDetail<RetryInfo>()!.RetryDelay.ToTimeSpan() > TimeSpan.Zero);
        await SeenRefusal.IsAsync(StatusCode.ResourceExhausted, "CALLS_LIMITED", async () => _ = await BlocksAsync(Chain));
        using var elsewhere = From("127.0.0.2");
        await EventsAsync(new V1.Chain.ChainClient(elsewhere));
        Assert.NotEmpty(await BlocksAsync(new V1.Chain.ChainClient(elsewhere)));
        Assert.InRange((await node.Client.GetStatusAsync()).Height, 1UL, ulong.MaxValue);

        await end.CancelAsync();
        foreach (var stream in streams) stream.Dispose();
        await Eventually.Async(async () =>
        {
            try
            {
                await EventsAsync(Chain);
                return true;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.ResourceExhausted)
            {
                return false;
            }
        });
    }

    [Fact]
    public async Task Waits_beyond_the_share_of_an_address_are_refused()
    {
        using var end = new CancellationTokenSource();
        var waiting = Enumerable.Range(0, Waits + 1).Select(i => Chain.GetTransactionAsync(Wait(i), cancellationToken: end.Token).ResponseAsync).ToList();
        var refused = await Task.WhenAny(waiting);
        await SeenRefusal.IsAsync(StatusCode.ResourceExhausted, "CALLS_LIMITED", () => refused);
        using var elsewhere = From("127.0.0.2");
        var unknown = new V1.GetTransactionRequest { Id = new string('f', 64) };
        Assert.Equal(V1.TransactionState.Unknown, (await new V1.Chain.ChainClient(elsewhere).GetTransactionAsync(unknown)).State);
        await end.CancelAsync();
        foreach (var wait in waiting.Where(wait => wait != refused)) Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => wait)).StatusCode);

        static V1.GetTransactionRequest Wait(int number) => new() { Id = $"{number}".PadLeft(64, '0'), Wait = true };
    }

    [Fact]
    public async Task Two_thousand_scans_at_once_end_or_are_refused_and_the_status_is_answered()
    {
        var scans = Enumerable.Range(0, 2_000).Select(async _ =>
        {
            try
            {
                await EventsAsync(Chain);
                return StatusCode.OK;
            }
            catch (RpcException e)
            {
                return e.StatusCode;
            }
        }).ToList();
        Assert.NotEmpty((await node.Client.GetStatusAsync()).ChainId);
        using var elsewhere = From("127.0.0.2");
        await EventsAsync(new V1.Chain.ChainClient(elsewhere));
        var ends = await Task.WhenAll(scans);
        Assert.All(ends, end => Assert.True(end is StatusCode.OK or StatusCode.ResourceExhausted, $"{end}"));
        Assert.Contains(StatusCode.OK, ends);
        Assert.Contains(StatusCode.ResourceExhausted, ends);
    }

    private static async Task EventsAsync(V1.Chain.ChainClient chain)
    {
        using var call = chain.SubscribeEvents(new V1.SubscribeEventsRequest { Types_ = { "UNFOLLOWED" } });
        await call.ResponseStream.ReadAllAsync().ToListAsync();
    }

    private static async Task<List<V1.GetBlockResponse>> BlocksAsync(V1.Chain.ChainClient chain)
    {
        using var call = chain.StreamBlocks(new V1.StreamBlocksRequest());
        return await call.ResponseStream.ReadAllAsync().ToListAsync();
    }

    /// <summary>A channel to the node from another address of this machine.</summary>
    private GrpcChannel From(string address)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellation) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return GrpcChannel.ForAddress(node.Grpc, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }
}
