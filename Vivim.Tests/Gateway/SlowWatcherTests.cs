using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Vivim.Actors.Logging;
using Vivim.Actors.Supervision;
using Vivim.Gateway.Limits;
using Vivim.Gateway.Metrics;
using Vivim.Gateway.Node;
using Vivim.Gateway.Operators;
using Vivim.Gateway.Rpc;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>A whole node in this process, so that as much can happen on it as a test wants, watched over a real connection.</summary>
[Collection(NodeCollection.Name)]
public sealed class SlowWatcherTests : IAsyncLifetime, IDisposable
{
    private const int Kept = 8_192;
    private const int Published = 20_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-slow-");
    private readonly CancellationTokenSource limit = new(Patience);
    private WebApplication app = null!;
    private NodeHost host = null!;
    private GrpcChannel channel = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        // Not ended for not reading: that is another test's.
        var settings = TestSettings.Of(("data", folder.FullName), ("log-level", "ERROR"), ("supervision.keep-events", $"{Kept}"), ("limits.stalled-after", "600s"));
        builder.Services.AddSingleton(settings);
        builder.AddLimits(settings.Limits);
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<NodeMetrics>().AddSingleton(new LogBook(16)).AddSingleton<NodeHost>();
        builder.Services.AddSingleton<OperatorGate>().AddSingleton<OperatorStreams>()
            .AddGrpc().AddServiceOptions<SupervisionService>(supervision => supervision.Interceptors.Add<OperatorInterceptor>());
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseLimits(HttpProtocols.Http2)));
        app = builder.Build();
        app.UseLimits(LimitAnswers.Write, static _ => false);
        app.MapGrpcService<SupervisionService>();
        await app.StartAsync();
        host = app.Services.GetRequiredService<NodeHost>();
        await host.Start(limit.Token);
        channel = GrpcChannel.ForAddress(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public async Task DisposeAsync()
    {
        channel.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
    }

    public void Dispose()
    {
        limit.Dispose();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_told_how_much_it_has_lost_and_one_that_reads_loses_nothing()
    {
        using var slow = await WatchAsync();
        using var quick = await WatchAsync();
        var reading = ReadAsync(quick);
        for (var i = 0; i < Published; i++)
        {
            host.Node.System.EventStream.Publish(new SupervisionNotice(SupervisionKind.BackedOff, $"/noticed/{i}", FailureCause.None, new string('x', 200)));
            // Slow enough for who reads, whose page is 256.
            if (i % 64 == 0) await Task.Delay(20);
        }

        Assert.Equal(0UL, await reading);
        // It has had what fits into the connection and a few pages; the rest it could have only as far as the log reaches back.
        Assert.InRange(await ReadAsync(slow), 1UL, (ulong)(Published - Kept));
    }

    [Fact]
    public async Task An_operator_watches_by_a_bounded_number_of_streams()
    {
        var open = app.Services.GetRequiredService<OperatorStreams>();
        var streams = new List<AsyncServerStreamingCall<V1.WatchSupervisionResponse>>();
        for (var i = 0; i < OperatorStreams.PerOperator; i++) streams.Add(await WatchAsync());
        await SeenRefusal.IsAsync(StatusCode.ResourceExhausted, "CALLS_LIMITED", WatchAsync);
        foreach (var stream in streams) stream.Dispose();
        await Eventually.Async(() => Task.FromResult(open.Count == 0));
        (await WatchAsync()).Dispose();
    }

    [Fact]
    public void All_operators_together_watch_by_a_bounded_number_of_streams()
    {
        var open = new OperatorStreams();
        for (var i = 0; i < OperatorStreams.InAll; i++) open.Open(Operator((byte)(i / 13)));
        var refusal = Assert.Throws<RpcException>(() => open.Open(Operator(200)));
        Assert.Equal("CALLS_LIMITED", refusal.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason);
        Assert.Equal(OperatorStreams.InAll, open.Count);

        static Did Operator(byte number) => Did.OfKey(new PublicKey([number, .. new byte[31]]));
    }

    /// <summary>A stream that has begun.</summary>
    private async Task<AsyncServerStreamingCall<V1.WatchSupervisionResponse>> WatchAsync()
    {
        // Its first event is one from before.
        using var key = SigningKey.ReadFrom(Path.Combine(folder.FullName, "keys", "operator.key"));
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var token = CallerToken.Sign(host.Node.Genesis.ChainId, key, now, TimeSpan.FromMinutes(1)).ToText();
        var headers = new Metadata { { "authorization", $"Bearer {token}" } };
        var call = new V1.Supervision.SupervisionClient(channel).Watch(new V1.WatchSupervisionRequest { Last = 1 }, headers, cancellationToken: limit.Token);
        Assert.True(await call.ResponseStream.MoveNext(limit.Token));
        return call;
    }

    /// <summary>Reads to the last event that was published; each is to come once and in order, but for those told as lost.</summary>
    private async Task<ulong> ReadAsync(AsyncServerStreamingCall<V1.WatchSupervisionResponse> call)
    {
        var (lost, next) = (0UL, call.ResponseStream.Current.Event.Sequence + 1);
        while (await call.ResponseStream.MoveNext(limit.Token))
        {
            var item = call.ResponseStream.Current;
            if (item.ItemCase == V1.WatchSupervisionResponse.ItemOneofCase.Lost)
            {
                lost += item.Lost;
                next += item.Lost;
                continue;
            }

            Assert.Equal(next++, item.Event.Sequence);
            if (item.Event.Path == $"/noticed/{Published - 1}") return lost;
        }

        throw new InvalidOperationException("the stream has ended");
    }
}
