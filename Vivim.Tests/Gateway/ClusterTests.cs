using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Grpc.Core;
using Grpc.Net.Client;
using Vivim.Cli;
using Vivim.Cli.Keys;
using Vivim.Client;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>A node of two validators with its operator key, and a key that its settings name as an operator's.</summary>
public sealed class AdministeredNode : IAsyncLifetime, IDisposable
{
    private readonly NodeFiles files = new();

    internal SigningKey Named { get; } = SigningKey.Generate();

    internal SigningKey Own { get; private set; } = null!;

    internal NodeProcess Node { get; private set; } = null!;

    internal string ChainId { get; private set; } = "";

    internal string OwnKeyFile => Path.Combine(files.Data, "keys", "operator.key");

    public async Task InitializeAsync()
    {
        Node = await NodeProcess.StartAsync(files, $"operators = \"{Did.OfKey(Named.PublicKey)}\", genesis.validators = 2");
        ChainId = (await Node.Client.GetStatusAsync()).ChainId;
        Own = SigningKey.ReadFrom(OwnKeyFile);
    }

    public async Task DisposeAsync() => await Node.DisposeAsync();

    public void Dispose()
    {
        Named.Dispose();
        Own?.Dispose();
        files.Dispose();
    }

    internal string TokenOf(SigningKey key, TimeSpan age = default, string? chainId = null) =>
        CallerToken.Sign(chainId ?? ChainId, key, (DateTimeOffset.UtcNow - age).ToUnixTimeMilliseconds(), TimeSpan.FromMinutes(1)).ToText();

    /// <summary>Runs a command line as a shell would.</summary>
    internal async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] command)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await new VivimCommand(new KeyStore(files.PathOf("keys")), output, error).RunAsync([.. command, "--node", Node.Grpc.OriginalString]);
        return (exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Runs a command line with the node's operator key; it is to succeed.</summary>
    internal async Task<string> DoAsync(params string[] command)
    {
        var (exitCode, output, error) = await RunAsync([.. command, "--key", OwnKeyFile]);
        Assert.True(exitCode == VivimCommand.Success, $"{string.Join(' ', command)}: exit code {exitCode}, {error}");
        return output;
    }

    internal async Task<JsonElement> DoJsonAsync(params string[] command) => JsonDocument.Parse(await DoAsync([.. command, "--json"])).RootElement;
}

/// <summary>Administration of a real node: by its operators, and by nobody else.</summary>
[Collection(NodeCollection.Name)]
public sealed class ClusterTests(AdministeredNode fixture) : IClassFixture<AdministeredNode>
{
    [Fact]
    public async Task No_method_lets_anybody_administer_without_an_operators_valid_token()
    {
        using var stranger = SigningKey.Generate();
        var refusals = new (StatusCode Code, string Reason, string? Authorization)[]
        {
            (StatusCode.Unauthenticated, "TOKEN_MISSING", null),
            (StatusCode.Unauthenticated, "TOKEN_MALFORMED", "Bearer x"),
            (StatusCode.Unauthenticated, "TOKEN_WRONG_CHAIN", $"Bearer {fixture.TokenOf(fixture.Own, chainId: "another")}"),
            (StatusCode.Unauthenticated, "TOKEN_BAD_SIGNATURE", $"Bearer {(CallerToken.Parse(fixture.TokenOf(stranger)) with { Caller = Did.OfKey(fixture.Own.PublicKey) }).ToText()}"),
            (StatusCode.Unauthenticated, "TOKEN_NOT_YET_VALID", $"Bearer {fixture.TokenOf(fixture.Own, TimeSpan.FromHours(-1))}"),
            (StatusCode.Unauthenticated, "TOKEN_EXPIRED", $"Bearer {fixture.TokenOf(fixture.Own, TimeSpan.FromMinutes(2))}"),
            (StatusCode.PermissionDenied, "NOT_AN_OPERATOR", $"Bearer {fixture.TokenOf(stranger)}"),
        };
        foreach (var method in V1.ClusterReflection.Descriptor.Services.Single().Methods)
        {
            foreach (var (code, reason, authorization) in refusals) await SeenRefusal.IsAsync(code, reason, () => CallAsync(fixture.Node.Channel, method.Name, authorization));
        }

        Assert.True(await fixture.Node.IsReadyAsync());
    }

    [Fact]
    public async Task The_JSON_form_needs_a_token_too()
    {
        using var http = new HttpClient { BaseAddress = fixture.Node.Http };
        var uri = new Uri("v1/cluster", UriKind.Relative);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync(uri)).StatusCode);
        http.DefaultRequestHeaders.Authorization = new("Bearer", fixture.TokenOf(fixture.Named));
        Assert.Contains("MEMBER_STATUS_UP", await http.GetStringAsync(uri), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_operator_is_heard_while_others_at_the_same_address_are_refused()
    {
        var channel = fixture.Node.Channel;
        var refusals = Task.WhenAll(Enumerable.Range(0, 100).Select(_ => SeenRefusal.OfAsync(() => CallAsync(channel, "Show", null))));
        for (var i = 0; i < 20; i++) await CallAsync(channel, "Show", $"Bearer {fixture.TokenOf(fixture.Named)}");
        Assert.All(await refusals, refusal => Assert.Equal((StatusCode.Unauthenticated, "TOKEN_MISSING"), (refusal.Code, refusal.Reason)));
        await CallAsync(channel, "Show", $"Bearer {fixture.TokenOf(fixture.Named)}");
    }

    [Fact]
    public async Task The_members_are_shown_in_the_form_that_operators_know()
    {
        var address = (await fixture.DoAsync("cluster", "leader")).TrimEnd('\n');
        Assert.Equal("akka.lone://vivim@localhost:0", address);
        var member = (await fixture.DoJsonAsync("cluster", "show")).GetProperty("members")[0];
        Assert.Equal((address, "up", false, true), (member.GetProperty("address").GetString(), member.GetProperty("status").GetString(), member.GetProperty("unreachable").GetBoolean(), member.GetProperty("isSelf").GetBoolean()));
        Assert.Equal($"{address} | [host-local,node] | up |  | {member.GetProperty("appVersion").GetString()}\nCount: 1 node\n", await fixture.DoAsync("cluster", "show"));

        var status = await fixture.DoJsonAsync("cluster", "status");
        Assert.Equal((address, 1, 0), (status.GetProperty("leader").GetString(), status.GetProperty("members").GetInt32(), status.GetProperty("unreachable").GetArrayLength()));
        Assert.InRange(status.GetProperty("upTimeSeconds").GetDouble(), 0.1, 1_000);
        Assert.Equal("Count: 0 nodes\n", await fixture.DoAsync("cluster", "down-unreachable"));
    }

    [Fact]
    public async Task The_nodes_are_listed_with_the_validators_that_run_there()
    {
        var validators = (await fixture.Node.Client.ListValidatorsAsync()).Validators.Select(v => v.Validator).Order(StringComparer.Ordinal).ToList();
        await Eventually.Async(async () => (await fixture.DoJsonAsync("nodes", "list")).GetProperty("nodes")[0].GetProperty("validators").GetArrayLength() == validators.Count);
        var node = (await fixture.DoJsonAsync("nodes", "list")).GetProperty("nodes")[0];
        Assert.Equal(validators, node.GetProperty("validators").EnumerateArray().Select(v => v.GetString()!).ToList());
        Assert.InRange(node.GetProperty("height").GetUInt64(), 0UL, (await fixture.Node.Client.GetStatusAsync()).Height);
        Assert.All(validators, validator => Assert.Contains(validator, fixture.DoAsync("nodes", "list").Result, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_cannot_be_done_is_refused_with_a_reason_that_helps()
    {
        var operation = fixture.Node.Client.Operate(fixture.Named);
        var address = (await operation.GetLeaderAsync()).Leader;
        var unknown = await Assert.ThrowsAsync<VivimException>(() => operation.LeaveAsync("akka.tcp://vivim@nowhere:1"));
        Assert.Equal("MEMBER_UNKNOWN", unknown.Reason);
        Assert.Contains(address, unknown.Message, StringComparison.Ordinal);
        Assert.Equal("MEMBER_UNKNOWN", (await Assert.ThrowsAsync<VivimException>(() => operation.DownAsync(""))).Reason);
        Assert.Equal("MEMBER_IS_UP", (await Assert.ThrowsAsync<VivimException>(() => operation.DownAsync(address))).Reason);
        Assert.Empty((await operation.DownUnreachableAsync()).Members);
        Assert.True(await fixture.Node.IsReadyAsync());
    }

    [Fact]
    public async Task Somebodys_key_does_not_administer_and_without_any_the_user_is_told_where_the_operators_is()
    {
        await fixture.RunAsync("key", "new", "somebody");
        var (exitCode, output, error) = await fixture.RunAsync("cluster", "show", "--key", "somebody", "--json");
        Assert.Equal((1, "", "NOT_AN_OPERATOR"), (exitCode, output, JsonDocument.Parse(error).RootElement.GetProperty("error").GetProperty("reason").GetString()));

        (exitCode, _, error) = await fixture.RunAsync("nodes", "list");
        Assert.Equal(1, exitCode);
        Assert.Contains("keys/operator.key", error, StringComparison.Ordinal);
    }

    /// <summary>Calls a method of the service with an empty request.</summary>
    private static async Task CallAsync(GrpcChannel channel, string name, string? authorization)
    {
        var bytes = Marshallers.Create(static (byte[] message) => message, static message => message);
        var method = new Method<byte[], byte[]>(MethodType.Unary, V1.ClusterReflection.Descriptor.Services.Single().FullName, name, bytes, bytes);
        var headers = new Metadata();
        if (authorization is not null) headers.Add("authorization", authorization);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(method, null, new CallOptions(headers), []);
        await call;
    }
}

/// <summary>A node that is told to leave or is declared down.</summary>
[Collection(ClusterCollection.Name)]
public sealed class DepartureTests
{
    [Fact]
    public async Task The_only_node_leaves_in_peace_and_can_be_started_again()
    {
        using var files = new NodeFiles();
        await using (var node = await NodeProcess.StartAsync(files))
        {
            using var output = new StringWriter();
            using var error = new StringWriter();
            var vivim = new VivimCommand(new KeyStore(files.PathOf("keys")), output, error);
            string[] options = ["--key", Path.Combine(files.Data, "keys", "operator.key"), "--node", node.Grpc.OriginalString];
            Assert.Equal(0, await vivim.RunAsync(["cluster", "leader", .. options]));
            var address = output.ToString().TrimEnd('\n');

            Assert.Equal(0, await vivim.RunAsync(["cluster", "leave", address, .. options]));
            Assert.StartsWith($"{address} | [host-local,node] | removed |", output.ToString()[(address.Length + 1)..], StringComparison.Ordinal);
            Assert.StartsWith($"{address} is leaving\n", error.ToString(), StringComparison.Ordinal);
            Assert.Equal(new NodeExit(0, ""), await node.ExitAsync());
        }

        await using var again = await NodeProcess.StartAsync(files);
    }

    [Fact]
    public async Task Force_declares_a_living_member_down_and_it_ends()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files);
        using var key = SigningKey.ReadFrom(Path.Combine(files.Data, "keys", "operator.key"));
        var operation = node.Client.Operate(key);
        var downed = (await operation.DownAsync((await operation.GetLeaderAsync()).Leader, force: true)).Member;
        Assert.Equal(V1.MemberStatus.Down, downed.Status);
        await node.ExitAsync();
    }
}
