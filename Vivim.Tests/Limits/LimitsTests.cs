using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Tests.Gateway;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Limits;

/// <summary>What one caller cannot do to others, on real nodes, by callers that do what no client library does.</summary>
[Collection(NodeCollection.Name)]
public sealed class LimitsTests
{
    private const string GetStatus = "/vivim.v1.Chain/GetStatus";
    private const string StreamBlocks = "/vivim.v1.Chain/StreamBlocks";
    private const string SubscribeEvents = "/vivim.v1.Chain/SubscribeEvents";
    private const string SubmitMany = "/vivim.v1.Chain/SubmitMany";

    /// <summary>Many blocks soon, and short limits.</summary>
    private const string Quick = """
        genesis { block-interval = 250ms, empty-block-interval = 250ms }
        limits { stalled-after = 3s, first-call-within = 5s }
        """;

    private const string Patient = "limits { stalled-after = 600s, first-call-within = 600s }";

    private const string Scarce = $"{Patient}\n limits.max-bytes-in-flight = 4194304";

    [Fact]
    public async Task Streams_that_nobody_reads_are_ended_what_they_held_is_given_back_and_what_merely_waits_goes_on()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, Quick);
        using var waiting = new V1.Chain.ChainClient(node.Channel).SubscribeEvents(new V1.SubscribeEventsRequest { Follow = true });
        using var submitting = new V1.Chain.ChainClient(node.Channel).SubmitMany();
        // Enough that a stream of them fills what the server takes of an answer.
        await Eventually.Async(async () => (await node.Client.GetStatusAsync()).Height > 20);

        using var caller = await RawCaller.ConnectAsync(node.Grpc, window: 0);
        for (var i = 0; i < 50; i++) caller.Call(StreamBlocks, new V1.StreamBlocksRequest { Follow = true });
        await Eventually.Async(async () => await FigureAsync(node, "vivim_calls") >= 50);
        await Eventually.Async(() => Task.FromResult(caller.Resets == 50));

        // Answers that fit into what the server takes are over for the service; what nobody takes ends its connection, which has another stream as well.
        using var other = await RawCaller.ConnectAsync(node.Grpc, window: 0);
        other.Call(SubscribeEvents, new V1.SubscribeEventsRequest { From = "0:0", Types_ = { "UNFOLLOWED" }, Follow = true });
        for (var i = 0; i < 50; i++) other.Call(GetStatus, new V1.GetStatusRequest());
        await Eventually.Async(() => Task.FromResult(other.IsClosed));

        // The beginning of a request whose end never comes.
        using var halting = await RawCaller.ConnectAsync(node.Grpc, window: 65_535);
        for (var i = 0; i < 10; i++) halting.Call(SubscribeEvents, new V1.SubscribeEventsRequest { From = "0:0" }, missing: 50_000);
        await Eventually.Async(() => Task.FromResult(halting.IsClosed));

        // The scrape itself and the two streams of a good caller are left.
        await Eventually.Async(async () => await FigureAsync(node, "vivim_calls") == 3);
        await Eventually.Async(async () => await FigureAsync(node, "vivim_bytes_in_flight_bytes") < 1 << 20);
        using var person = await TestPerson.RegisteredAsync(node);
        Assert.True(await waiting.ResponseStream.MoveNext(CancellationToken.None));
        await submitting.RequestStream.WriteAsync(new V1.SubmitRequest { Transaction = person.Sign(person.Registration()).ToMessage() });
        Assert.True(await submitting.ResponseStream.MoveNext(CancellationToken.None));
    }

    [Fact]
    public async Task Readers_over_HTTP_1_that_do_not_read_are_closed_and_so_is_what_never_asks()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, Quick);
        using var silent = await Callers.SocketAsync(node.Http, null);
        using var slow = await StalledScraperAsync(node);

        await Eventually.Async(async () => await FigureAsync(node, "vivim_calls_refused_total{reason=\"stalled\"}") >= 1);
        await EndsAsync(slow);
        await EndsAsync(silent);
        // The figures may be a second old.
        await Eventually.Async(async () => await FigureAsync(node, "vivim_connections_refused_total{reason=\"silent\"}") >= 1);
        Assert.InRange(await FigureAsync(node, "vivim_connections_refused_total{reason=\"silent\"}"), 1, 10);
    }

    [Fact]
    public async Task A_scraper_that_does_not_read_keeps_no_other_from_the_figures()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, Patient);
        using var first = await StalledScraperAsync(node);
        using var second = await StalledScraperAsync(node);

        // They stay for ten minutes; nobody waits for them.
        using var http = new HttpClient();
        var texts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => http.GetStringAsync(new Uri(node.Http, "metrics"))));
        Assert.All(texts, text => Assert.Contains("\nvivim_committed_height", text, StringComparison.Ordinal));
        Assert.InRange(await FigureAsync(node, "vivim_calls"), 3, 5);
    }

    [Fact]
    public async Task Two_thousand_connections_that_do_nothing_keep_nobody_out_and_write_no_line_each()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, Patient);
        var lines = node.Output.Count;
        var idle = new List<Socket>();
        try
        {
            for (var i = 0; i < 2_050; i++) idle.Add(await Callers.SocketAsync(node.Grpc, null));
            await node.Client.GetStatusAsync();
            await RefusedOrNullAsync(node, Callers.Stranger(1));
            Assert.InRange(await FigureAsync(node, "vivim_connections"), 10, 1_024);
            Assert.InRange(node.Output.Skip(lines).Count(line => line.Contains("connection", StringComparison.OrdinalIgnoreCase)), 0, 3);
        }
        finally
        {
            idle.ForEach(socket => socket.Dispose());
        }
    }

    [Fact]
    public async Task Operators_and_the_own_machine_get_in_where_strangers_hold_every_other_place()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, $"{Patient}\n limits.max-connections = 32");
        var strangers = new List<RawCaller>();
        try
        {
            // Each takes a place and keeps it busy, until there is none.
            SeenRefusal? refused = null;
            for (var i = 1; i <= 64 && refused is null; i++)
            {
                var stranger = await RawCaller.ConnectAsync(node.Grpc, window: 65_535, Callers.Stranger(i));
                stranger.Call(SubscribeEvents, new V1.SubscribeEventsRequest { Follow = true });
                strangers.Add(stranger);
                await Eventually.Async(async () => stranger.IsClosed || stranger.Ended > 0 || await FigureAsync(node, "vivim_calls") > strangers.Count);
                if (stranger.IsClosed || stranger.Ended > 0) refused = await RefusedOrNullAsync(node, Callers.Stranger(100));
            }

            Assert.Equal((StatusCode.ResourceExhausted, "CONNECTIONS_LIMITED"), (refused!.Code, refused.Reason));
            Assert.InRange(strangers.Count, 20, 32);

            await node.Client.GetStatusAsync();
            Assert.Single((await ShowAsync(node, files, Callers.Stranger(101))).Members);
        }
        finally
        {
            strangers.ForEach(stranger => stranger.Dispose());
        }
    }

    /// <summary>Each connection has one call with an unfinished message, and they grow step by step to many times what there is.</summary>
    [Fact]
    public async Task Messages_that_an_address_does_not_finish_keep_nobody_from_being_served()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, Scarce);
        using var other = GrpcChannel.ForAddress(node.Grpc, new GrpcChannelOptions { HttpHandler = Callers.From(Callers.Stranger(2)), DisposeHttpClient = true });
        var callers = new List<RawCaller>();
        try
        {
            for (var i = 0; i < 24; i++)
            {
                var caller = await RawCaller.ConnectAsync(node.Grpc, window: 65_535, Callers.Stranger(1));
                caller.Call(SubmitMany, new V1.SubmitRequest(), missing: 130_000);
                callers.Add(caller);
            }

            for (var sent = 0; sent < 120_000; sent += 4_000)
            {
                foreach (var caller in callers.Where(caller => !caller.IsClosed))
                {
                    caller.TryContinue(1, 4_000);
                    await new V1.Chain.ChainClient(other).GetStatusAsync(new V1.GetStatusRequest());
                }
            }

            Assert.InRange(await FigureAsync(node, "vivim_connections_refused_total{reason=\"memory\"}"), 1, callers.Count);
            Assert.Single((await ShowAsync(node, files, Callers.Stranger(2))).Members);
        }
        finally
        {
            callers.ForEach(caller => caller.Dispose());
        }
    }

    [Fact]
    public async Task An_operator_is_served_where_its_address_has_used_up_its_bytes()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, Scarce);
        using var greedy = await RawCaller.ConnectAsync(node.Grpc, window: 65_535, Callers.Stranger(1));
        SeenRefusal? refused = null;
        for (var i = 0; i < 100 && refused is null; i++)
        {
            greedy.Call(SubmitMany, new V1.SubmitRequest(), missing: 1_000);
            refused = await RefusedOrNullAsync(node, Callers.Stranger(1));
        }

        Assert.Equal("ANSWERS_LIMITED", refused?.Reason);

        Assert.Single((await ShowAsync(node, files, Callers.Stranger(1))).Members);
        using var channel = GrpcChannel.ForAddress(node.Grpc, new GrpcChannelOptions { HttpHandler = Callers.From(Callers.Stranger(1)), DisposeHttpClient = true });
        using var tail = new V1.Logs.LogsClient(channel).Tail(new V1.TailLogRequest { Last = 1 }, await TokenAsync(node, files));
        Assert.True(await tail.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal("ANSWERS_LIMITED", (await RefusedOrNullAsync(node, Callers.Stranger(1)))?.Reason);
    }

    [Fact]
    public async Task A_body_of_JSON_is_charged_by_whichever_protocol_it_comes()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, $"{Patient}\n limits.max-message-bytes = 1048576");
        foreach (var port in new[] { node.Grpc, node.Http })
        {
            await Eventually.Async(async () => await FigureAsync(node, "vivim_bytes_in_flight_bytes") < 1 << 20);
            using var caller = port == node.Grpc ? await RawCaller.ConnectAsync(port, window: 65_535) : null;
            caller?.Post("/v1/transactions", "{\"body\": \"");
            using var http = port == node.Http ? await Callers.SocketAsync(port, null) : null;
            const string Head = "POST /v1/transactions HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n";
            if (http is not null) await http.SendAsync(Encoding.ASCII.GetBytes(Head + "{\"body\": \""));
            await Eventually.Async(async () => await FigureAsync(node, "vivim_bytes_in_flight_bytes") >= 2 << 20);
        }
    }

    /// <summary>Whatever serves it: the limits stand before everything there is.</summary>
    [Fact]
    public async Task Calls_of_an_address_are_bounded_whatever_they_call_and_others_are_served()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, $"{Patient}\n limits.max-calls = 64");
        var greedy = Callers.Stranger(1);
        using var streams = await RawCaller.ConnectAsync(node.Grpc, window: 65_535, greedy);
        for (var i = 0; i < 64; i++) streams.Call(SubscribeEvents, new V1.SubscribeEventsRequest { Follow = true });
        await Eventually.Async(() => Task.FromResult(streams.Ended > 0));

        using var limited = new HttpClient(Callers.From(greedy)) { BaseAddress = node.Http };
        using var free = new HttpClient(Callers.From(Callers.Stranger(2))) { BaseAddress = node.Http };
        foreach (var path in new[] { "v1/status", "v1/blocks/0", "healthz", "readyz", "metrics", "", "status.js", "events/status", "v1/nothing" })
        {
            using var refused = await limited.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
            Assert.Contains("CALLS_LIMITED", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        // The endpoint decides that it is JSON, not what the caller says of itself.
        using var pretending = new HttpRequestMessage(HttpMethod.Get, new Uri("v1/blocks/0", UriKind.Relative)) { Content = new ByteArrayContent([]) };
        pretending.Content.Headers.ContentType = new("application/grpc");
        Assert.Equal(HttpStatusCode.TooManyRequests, (await limited.SendAsync(pretending)).StatusCode);

        using var channel = GrpcChannel.ForAddress(node.Grpc, new GrpcChannelOptions { HttpHandler = Callers.From(greedy), DisposeHttpClient = true });
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await new V1.Chain.ChainClient(channel).GetStatusAsync(new V1.GetStatusRequest()));
        Assert.Equal(TimeSpan.FromSeconds(1), failure.GetRpcStatus()!.GetDetail<RetryInfo>()!.RetryDelay.ToTimeSpan());
        await SeenRefusal.IsAsync(StatusCode.ResourceExhausted, "CALLS_LIMITED", async () => await new Grpc.Health.V1.Health.HealthClient(channel).CheckAsync(new Grpc.Health.V1.HealthCheckRequest()));
        await SeenRefusal.IsAsync(StatusCode.ResourceExhausted, "CALLS_LIMITED", async () =>
        {
            using var reflection = new Grpc.Reflection.V1Alpha.ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
            await reflection.ResponseStream.MoveNext(CancellationToken.None);
        });

        Assert.Equal(HttpStatusCode.OK, (await free.GetAsync(new Uri("v1/status", UriKind.Relative))).StatusCode);
        await node.Client.GetStatusAsync();
    }

    /// <summary>What an operator does at an address.</summary>
    private static async Task<V1.ClusterShowResponse> ShowAsync(NodeProcess node, NodeFiles files, IPAddress from)
    {
        using var channel = GrpcChannel.ForAddress(node.Grpc, new GrpcChannelOptions { HttpHandler = Callers.From(from), DisposeHttpClient = true });
        return await new V1.Cluster.ClusterClient(channel).ShowAsync(new V1.ClusterShowRequest(), await TokenAsync(node, files));
    }

    /// <summary>The metadata of the calls of the node's operator.</summary>
    private static async Task<Metadata> TokenAsync(NodeProcess node, NodeFiles files)
    {
        using var key = SigningKey.ReadFrom(Path.Combine(files.Data, "keys", "operator.key"));
        var chainId = (await node.Client.GetStatusAsync()).ChainId;
        var token = CallerToken.Sign(chainId, key, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), CallerToken.MaxLifetime).ToText();
        return new Metadata { { "authorization", $"Bearer {token}" } };
    }

    /// <summary>What the node tells an address now, or nothing where it serves it.</summary>
    private static async Task<SeenRefusal?> RefusedOrNullAsync(NodeProcess node, IPAddress from)
    {
        using var channel = GrpcChannel.ForAddress(node.Grpc, new GrpcChannelOptions { HttpHandler = Callers.From(from), DisposeHttpClient = true });
        try
        {
            await new V1.Chain.ChainClient(channel).GetStatusAsync(new V1.GetStatusRequest());
            return null;
        }
        catch (RpcException e) when (e.GetRpcStatus()?.GetDetail<ErrorInfo>() is { } info)
        {
            return new SeenRefusal(e.StatusCode, info.Reason, e.Status.Detail);
        }
    }

    /// <summary>Asks for the figures again and again, and reads none; there when the node cannot send any more.</summary>
    private static async Task<Socket> StalledScraperAsync(NodeProcess node)
    {
        var before = await FigureAsync(node, "vivim_calls");
        var socket = await Callers.SocketAsync(node.Http, null);
        socket.ReceiveBufferSize = 2_048;
        await socket.SendAsync(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("GET /metrics HTTP/1.1\r\nHost: node\r\n\r\n", 1_000))));
        // It has a call under way for as long as it stalls; a reader's calls are over before the next text is made.
        var (stalled, last) = (0, "");
        await Eventually.Async(async () =>
        {
            var text = await FiguresAsync(node);
            if (text == last) return false;
            last = text;
            stalled = FigureIn(text, "vivim_calls") > before ? stalled + 1 : 0;
            return stalled >= 5 || FigureIn(text, "vivim_calls_refused_total{reason=\"stalled\"}") > 0;
        });
        return socket;
    }

    /// <summary>Reads what has come, to the end that the node has made.</summary>
    private static async Task EndsAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var buffer = new byte[1 << 16];
        try
        {
            while (await socket.ReceiveAsync(buffer, limit.Token) > 0) continue;
        }
        catch (SocketException)
        {
            // Broken is as good as closed.
        }
    }

    /// <summary>A figure of /metrics; 0 where it is not told.</summary>
    private static async Task<double> FigureAsync(NodeProcess node, string name) => FigureIn(await FiguresAsync(node), name);

    private static async Task<string> FiguresAsync(NodeProcess node)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri(node.Http, "metrics"));
    }

    private static double FigureIn(string text, string name)
    {
        var line = text.Split('\n').FirstOrDefault(line => line.StartsWith(name + " ", StringComparison.Ordinal) || line.StartsWith(name + "{} ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
