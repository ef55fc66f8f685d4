using System.Text.Json;
using Google.Rpc;
using Grpc.Core;
using Vivim.Cli;
using Vivim.Cli.Keys;
using Vivim.Gateway.Node;
using Vivim.Protocol.Keys;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>What a real node logs, on its standard output and for operators who ask.</summary>
[Collection(NodeCollection.Name)]
public sealed class LogTests : IAsyncLifetime, IDisposable
{
    private readonly NodeFiles files = new();
    private NodeProcess node = null!;

    private string KeyFile => Path.Combine(files.Data, "keys", "operator.key");

    public async Task InitializeAsync() => node = await NodeProcess.StartAsync(files, "log-level = DEBUG, logging.format = json, genesis.block-interval = 250ms");

    public async Task DisposeAsync() => await node.DisposeAsync();

    public void Dispose() => files.Dispose();

    [Fact]
    public async Task A_transaction_is_followed_from_the_call_to_its_commit_by_the_id_that_the_call_has_answered()
    {
        using var alice = new TestPerson((await node.Client.GetStatusAsync()).ChainId);
        var request = new V1.SubmitRequest { Transaction = alice.Sign(alice.Registration()).ToMessage() };
        using var call = new V1.Chain.ChainClient(node.Channel).SubmitAsync(request);
        var id = (await call).TransactionId;
        var correlation = (await call.ResponseHeadersAsync).GetValue("vivim-correlation-id");
        Assert.Matches("^[0-9a-f]{32}$", correlation);

        await Eventually.Async(async () => (await TailAsync("--correlation", correlation!)).Any(record => Text(record, "message").Contains("is committed", StringComparison.Ordinal)), "the commit is in the log");
        var told = (await TailAsync("--correlation", correlation!, "--source", "/")).Select(record => (Source: Text(record, "source"), Template: Text(record, "template"), record)).ToList();
        Assert.Equal(3, told.Count);
        Assert.StartsWith("/system/sharding/pool/", told[0].Source, StringComparison.Ordinal);
        Assert.StartsWith("/system/sharding/block-makers/", told[1].Source, StringComparison.Ordinal);
        Assert.Equal("pool partition {Partition} has admitted {Admitted} of {Submitted} transactions, correlation {CorrelationId}", told[0].Template);
        Assert.All(told[1..], one => Assert.Equal(id, one.record.GetProperty("properties").GetProperty("TransactionId").GetString()));

        // The same, line by line, where a collector of logs reads it.
        var lines = Records().Where(line => line.TryGetProperty("correlationId", out var of) && of.GetString() == correlation).ToList();
        Assert.Contains(lines, line => Text(line, "source").StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) || Text(line, "source").StartsWith("Grpc.", StringComparison.Ordinal));
        foreach (var (source, template, _) in told) Assert.Contains(lines, line => Text(line, "source") == source && Text(line, "template") == template);
    }

    [Fact]
    public async Task Every_line_of_JSON_has_its_fields_and_no_secret()
    {
        using var operatorKey = SigningKey.ReadFrom(KeyFile);
        await TailAsync();
        await Eventually.Async(() => Task.FromResult(Records().Any(line => Text(line, "message").StartsWith("committed height", StringComparison.Ordinal))), "a commit is logged");
        Assert.All(Records(), line =>
        {
            Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", Text(line, "time"));
            Assert.Contains(Text(line, "level"), (string[])["debug", "info", "warning", "error"]);
            Assert.Equal("local", Text(line, "node"));
            Assert.NotEqual("", Text(line, "source"));
        });
        var committed = Records().First(line => Text(line, "message").StartsWith("committed height", StringComparison.Ordinal));
        Assert.Equal("/user/ledger", Text(committed, "source"));
        Assert.Equal("committed height {Height}: {Transactions} transactions, state root {StateRoot}", Text(committed, "template"));
        Assert.Equal(Text(committed, "message").Split(' ')[2].TrimEnd(':'), committed.GetProperty("properties").GetProperty("Height").GetString());
        var everything = string.Join('\n', node.Output);
        Assert.DoesNotContain("Bearer", everything, StringComparison.OrdinalIgnoreCase);
        foreach (var file in Directory.GetFiles(Path.Combine(files.Data, "keys"))) Assert.DoesNotContain(File.ReadAllText(file).Trim(), everything, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task An_operator_reads_by_level_source_time_count_and_node_and_follows_what_comes()
    {
        var all = await TailAsync("-n", "1000");
        Assert.Equal(all.Select(record => record.GetProperty("sequence").GetUInt64()).Order(), all.Select(record => record.GetProperty("sequence").GetUInt64()));
        Assert.Equal(3, (await TailAsync("-n", "3")).Count);
        Assert.All(await TailAsync("--source", "/user/ledger"), record => Assert.Equal("/user/ledger", Text(record, "source")));
        Assert.All(await TailAsync("--level", "info"), record => Assert.NotEqual("debug", Text(record, "level")));
        Assert.NotEmpty(await TailAsync("--since", "1h", "--node-name", Text(all[0], "node")));
        Assert.Empty(await TailAsync("--node-name", "another"));
        Assert.Empty(await TailAsync("--since", "2999-01-01T00:00:00Z"));

        // What is committed after the stream has begun.
        using var operatorKey = SigningKey.ReadFrom(KeyFile);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await using var items = node.Client.Operate(operatorKey).TailLogAsync(new V1.TailLogRequest { SourcePrefix = "/user/ledger", Follow = true, Last = 1 }, limit.Token).GetAsyncEnumerator(limit.Token);
        Assert.True(await items.MoveNextAsync());
        var registering = TestPerson.RegisteredAsync(node, 1);
        var last = items.Current.Record.Sequence;
        do
        {
            Assert.True(await items.MoveNextAsync());
            Assert.InRange(items.Current.Record.Sequence, last + 1, ulong.MaxValue);
            last = items.Current.Record.Sequence;
        }
        while (!items.Current.Record.Message.Contains(": 1 transactions", StringComparison.Ordinal));
        foreach (var person in await registering) person.Dispose();
    }

    [Fact]
    public async Task The_log_is_for_operators_alone_and_a_refusal_names_its_id()
    {
        using var stranger = SigningKey.Generate();
        var client = new V1.Logs.LogsClient(node.Channel);
        await SeenRefusal.IsAsync(StatusCode.Unauthenticated, "TOKEN_MISSING", async () =>
        {
            using var tail = client.Tail(new V1.TailLogRequest());
            await tail.ResponseStream.MoveNext(CancellationToken.None);
        });
        var refused = await Assert.ThrowsAsync<Vivim.Client.VivimException>(async () =>
        {
            await foreach (var _ in node.Client.Operate(stranger).TailLogAsync(new V1.TailLogRequest())) Assert.Fail("nothing is to come");
        });
        Assert.Equal("NOT_AN_OPERATOR", refused.Reason);
        var request = Assert.IsType<RpcException>(refused.InnerException).GetRpcStatus()!.GetDetail<RequestInfo>();
        Assert.Matches("^[0-9a-f]{32}$", request.RequestId);

        using var http = new HttpClient { BaseAddress = node.Http };
        using var answer = await http.GetAsync(new Uri("v1/logs/tail", UriKind.Relative));
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Matches("^[0-9a-f]{32}$", Assert.Single(answer.Headers.GetValues("vivim-correlation-id")));
    }

    [Theory]
    [InlineData("[akka://vivim/user/ledger#12]", "/user/ledger")]
    [InlineData("akka.tcp://vivim@127.0.0.1:4053/system/sharding/pool/3/3", "/system/sharding/pool/3/3")]
    [InlineData("Cluster (akka://vivim)", null)]
    [InlineData("akka://vivim", null)]
    public void The_actors_path_is_read_from_the_source(string source, string? path) => Assert.Equal(path, HostLogger.PathOf(source));

    private static string Text(JsonElement of, string property) => of.GetProperty(property).GetString()!;

    /// <summary>The lines of standard output; fails on one that is not JSON.</summary>
    private List<JsonElement> Records() => [.. node.Output.Select(line => JsonDocument.Parse(line).RootElement)];

    private async Task<IReadOnlyList<JsonElement>> TailAsync(params string[] options)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await new VivimCommand(new KeyStore(Path.GetTempPath()), output, error).RunAsync(["log", "tail", .. options, "--json", "--key", KeyFile, "--node", node.Grpc.OriginalString]);
        Assert.True(code == VivimCommand.Success, error.ToString());
        return [.. output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }
}
