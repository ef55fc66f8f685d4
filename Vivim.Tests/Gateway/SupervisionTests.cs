using System.Text.Json;
using Grpc.Core;
using Vivim.Actors.Supervision;
using Vivim.Cli;
using Vivim.Cli.Keys;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>The operators' eyes on a real node: by gRPC and by the command line.</summary>
[Collection(NodeCollection.Name)]
public sealed class SupervisionTests(AdministeredNode fixture) : IClassFixture<AdministeredNode>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task No_method_answers_without_an_operators_token()
    {
        using var stranger = SigningKey.Generate();
        var channel = fixture.Node.Channel;
        foreach (var method in V1.SupervisionReflection.Descriptor.Services.Single().Methods)
        {
            foreach (var (code, reason, authorization) in new[]
            {
                (StatusCode.Unauthenticated, "TOKEN_MISSING", null),
                (StatusCode.Unauthenticated, "TOKEN_EXPIRED", $"Bearer {fixture.TokenOf(fixture.Own, TimeSpan.FromMinutes(2))}"),
                (StatusCode.PermissionDenied, "NOT_AN_OPERATOR", $"Bearer {fixture.TokenOf(stranger)}"),
            })
            {
                await SeenRefusal.IsAsync(code, reason, () => CallAsync(channel.CreateCallInvoker(), method.Name, authorization));
            }
        }
    }

    [Fact]
    public async Task What_has_happened_before_is_told_by_kind_path_node_and_count()
    {
        var started = await LastAsync("--kind", "started", "--path", "/user/", "--last", "1000");
        Assert.Superset(new HashSet<string>(["/user/ledger", "/user/sync", "/user/peers", "/user/pool-keeper", "/user/validator-keeper"]), started.Select(e => e.GetProperty("path").GetString()!).ToHashSet());
        Assert.All(started, e => Assert.Equal(("started", JsonValueKind.Null), (e.GetProperty("kind").GetString(), e.GetProperty("cause").ValueKind)));

        await Eventually.Async(async () => (await LastAsync("--path", "/system/sharding/pool/", "--kind", "started", "--last", "1000")).Count == 16);
        var entities = (await LastAsync("--path", "/system/sharding/pool/", "--last", "1000")).Where(e => e.GetProperty("entity").ValueKind == JsonValueKind.String).ToList();
        Assert.Equal(Enumerable.Range(0, 8).Select(i => $"{i}"), entities.Select(e => e.GetProperty("entity").GetString()!).Order(StringComparer.Ordinal));
        Assert.All(entities, e => Assert.Equal("pool", e.GetProperty("region").GetString()));

        var (all, last) = (await LastAsync("--last", "1000"), await LastAsync("--last", "3"));
        Assert.Equal(Enumerable.Range(1, all.Count).Select(i => (ulong)i), all.Select(e => e.GetProperty("sequence").GetUInt64()));
        var first = last[0].GetProperty("sequence").GetUInt64();
        Assert.InRange(first, (ulong)all.Count - 2, (ulong)all.Count + 100);
        Assert.Equal([first, first + 1, first + 2], last.Select(e => e.GetProperty("sequence").GetUInt64()));
        Assert.Contains(all, e => e.GetProperty("kind").GetString() == "member-up" && e.GetProperty("path").GetString() == e.GetProperty("address").GetString());

        Assert.NotEmpty(await LastAsync("--last", "5", "--node-name", all[0].GetProperty("node").GetString()!));
        Assert.Empty(await LastAsync("--last", "5", "--node-name", "another"));
        Assert.Empty(await LastAsync("--last", "0"));
    }

    [Fact]
    public async Task The_actors_are_listed_one_path_a_line()
    {
        var lines = (await fixture.DoAsync("actor", "hierarchy", "-d", "1", "-s", "/user")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("/user", lines[0]);
        Assert.Equal(lines.Order(StringComparer.Ordinal), lines);
        Assert.Superset(new HashSet<string>(["/user/ledger", "/user/sync", "/user/supervision", "/user/verifiers"]), lines.ToHashSet());
        var all = (await fixture.DoJsonAsync("actor", "hierarchy")).GetProperty("paths").EnumerateArray().Select(path => path.GetString()!).ToList();
        Assert.Superset(new HashSet<string>(["/", "/system/sharding/pool/3/3"]), all.ToHashSet());

        var (exitCode, _, error) = await fixture.RunAsync("actor", "hierarchy", "-s", "/user/nobody", "--key", fixture.OwnKeyFile);
        Assert.Equal((VivimCommand.Failure, "There is no actor /user/nobody on this node now.\n"), (exitCode, error));
    }

    [Fact]
    public async Task The_shards_of_a_type_are_counted_by_node()
    {
        JsonElement stats = default;
        await Eventually.Async(async () => (stats = await fixture.DoJsonAsync("cluster-sharding", "region-stats", "-r", "pool")).GetProperty("nodes") is { } nodes && nodes.GetArrayLength() == 1 && nodes[0].GetProperty("shards").GetArrayLength() == 8);
        var node = stats.GetProperty("nodes")[0];
        Assert.Equal((await fixture.DoAsync("cluster", "leader")).TrimEnd('\n'), node.GetProperty("address").GetString());
        Assert.Equal(Enumerable.Range(0, 8).Select(i => (Shard: $"{i}", Entities: 1)), node.GetProperty("shards").EnumerateArray().Select(shard => (Shard: shard.GetProperty("shard").GetString()!, Entities: shard.GetProperty("entities").GetInt32())));
        Assert.Equal(0, node.GetProperty("silent").GetArrayLength());

        var (exitCode, _, error) = await fixture.RunAsync("cluster-sharding", "region-stats", "-r", "pols", "--key", fixture.OwnKeyFile);
        Assert.Equal((VivimCommand.Failure, "This node has no shard region of the type 'pols'; it has: block-makers, pool, validators, workers.\n"), (exitCode, error));
    }

    [Fact]
    public async Task Requests_that_make_no_sense_are_refused_with_a_sentence()
    {
        var (exitCode, _, error) = await fixture.RunAsync("supervision", "watch", "--last", "1001", "--key", fixture.OwnKeyFile);
        Assert.Equal((VivimCommand.Failure, "1001 events from before, at most 1000 are allowed.\n"), (exitCode, error));
        (exitCode, _, error) = await fixture.RunAsync("supervision", "watch", "--kind", "explosion", "--key", fixture.OwnKeyFile);
        Assert.Equal(VivimCommand.Usage, exitCode);
        Assert.Contains("'explosion' is not a kind of supervision event", error, StringComparison.Ordinal);
        var operation = fixture.Node.Client.Operate(fixture.Own);
        var refused = await Assert.ThrowsAsync<Vivim.Client.VivimException>(async () =>
        {
            await foreach (var _ in operation.WatchSupervisionAsync(new V1.WatchSupervisionRequest { Kinds = { (V1.SupervisionKind)99 } })) Assert.Fail("nothing is to come");
        });
        Assert.Equal("INVALID_ARGUMENT", refused.Reason);
    }

    [Fact]
    public void The_kinds_of_the_wire_are_those_of_the_log() =>
        Assert.Equal(Enum.GetValues<SupervisionKind>().Select(kind => ($"{kind}", (int)kind)), Enum.GetValues<V1.SupervisionKind>().Skip(1).Select(kind => ($"{kind}", (int)kind)));

    /// <summary>The events from before, read by the command line until nothing more comes.</summary>
    private async Task<IReadOnlyList<JsonElement>> LastAsync(params string[] options)
    {
        using var output = new SharedText();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(6));
        var watching = Run(output, stop.Token, ["supervision", "watch", .. options, "--json", "--key", fixture.OwnKeyFile]);
        var seen = "";
        while (!watching.IsCompleted && (seen.Length == 0 || seen != output.ToString()))
        {
            seen = output.ToString();
            await Task.Delay(1_000);
        }

        await stop.CancelAsync();
        Assert.Equal(VivimCommand.Success, await watching);
        return [.. output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    private async Task<int> Run(SharedText output, CancellationToken cancellation, params string[] command)
    {
        using var error = new StringWriter();
        return await new VivimCommand(new KeyStore(Path.GetTempPath()), output, error).RunAsync([.. command, "--node", fixture.Node.Grpc.OriginalString], cancellation);
    }

    private static async Task CallAsync(CallInvoker invoker, string name, string? authorization)
    {
        var bytes = Marshallers.Create(static (byte[] message) => message, static message => message);
        var isStream = name == "Watch";
        var method = new Method<byte[], byte[]>(isStream ? MethodType.ServerStreaming : MethodType.Unary, V1.SupervisionReflection.Descriptor.Services.Single().FullName, name, bytes, bytes);
        var headers = new Metadata();
        if (authorization is not null) headers.Add("authorization", authorization);
        if (!isStream)
        {
            using var unary = invoker.AsyncUnaryCall(method, null, new CallOptions(headers), []);
            await unary;
            return;
        }

        using var stream = invoker.AsyncServerStreamingCall(method, null, new CallOptions(headers), []);
        await stream.ResponseStream.MoveNext(CancellationToken.None);
    }
}
