using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>One address cannot keep a node from answering others: each has its own turns.</summary>
[Collection(NodeCollection.Name)]
public sealed class ScanFloodTests : IAsyncLifetime, IDisposable
{
    private readonly NodeFiles files = new();
    private NodeProcess node = null!;

    private V1.Chain.ChainClient Chain => new(node.Channel);

    public async Task InitializeAsync() => node = await NodeProcess.StartAsync(files);

    public async Task DisposeAsync() => await node.DisposeAsync();

    public void Dispose() => files.Dispose();

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
    }

    private static async Task EventsAsync(V1.Chain.ChainClient chain)
    {
        using var call = chain.SubscribeEvents(new V1.SubscribeEventsRequest { Types_ = { "UNFOLLOWED" } });
        await call.ResponseStream.ReadAllAsync().ToListAsync();
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
