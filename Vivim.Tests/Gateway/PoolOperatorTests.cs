using System.Net;
using Grpc.Core;
using Vivim.Cli;
using Vivim.Client;
using Vivim.Gateway.Limits;
using Vivim.Protocol.Keys;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>Operators see who fills the pool of a real node, and drop a sender.</summary>
[Collection(NodeCollection.Name)]
public sealed class PoolOperatorTests(AdministeredNode fixture) : IClassFixture<AdministeredNode>
{
    [Fact]
    public async Task No_method_of_the_pool_answers_without_an_operators_token()
    {
        using var stranger = SigningKey.Generate();
        var channel = fixture.Node.Channel;
        var bytes = Marshallers.Create(static (byte[] message) => message, static message => message);
        foreach (var method in V1.PoolReflection.Descriptor.Services.Single().Methods)
        {
            foreach (var (code, reason, headers) in new[]
            {
                (StatusCode.Unauthenticated, "TOKEN_MISSING", new Metadata()),
                (StatusCode.PermissionDenied, "NOT_AN_OPERATOR", new Metadata { { "authorization", $"Bearer {fixture.TokenOf(stranger)}" } }),
            })
            {
                await SeenRefusal.IsAsync(code, reason, async () =>
                {
                    using var call = channel.CreateCallInvoker().AsyncUnaryCall(new Method<byte[], byte[]>(MethodType.Unary, method.Service.FullName, method.Name, bytes, bytes), null, new CallOptions(headers), []);
                    await call;
                });
            }
        }
    }

    [Fact]
    public async Task An_operator_sees_the_senders_and_drops_one_and_who_waits_for_it_is_told()
    {
        using var flooder = new TestPerson(fixture.ChainId);
        using var other = new TestPerson(fixture.ChainId);
        var waiting = new List<Vivim.Protocol.Hash256>();
        foreach (var (person, nonces) in new[] { (flooder, 5ul), (other, 2ul) })
        {
            for (var nonce = 1ul; nonce <= nonces; nonce++)
            {
                var envelope = person.Sign(person.Registration(nonce));
                await fixture.Node.Client.SubmitAsync(envelope);
                if (person == flooder) waiting.Add(envelope.IdOn(fixture.ChainId));
            }
        }

        var senders = (await fixture.DoJsonAsync("pool", "senders")).GetProperty("senders").EnumerateArray().ToList();
        Assert.Equal([flooder.KeyDid.ToString(), other.KeyDid.ToString()], senders.Select(sender => sender.GetProperty("did").GetString()!));
        Assert.Equal((5, 5, "NONCE_GAP"), (senders[0].GetProperty("transactions").GetInt32(), senders[0].GetProperty("parked").GetInt32(), senders[0].GetProperty("parkedReason").GetString()));
        Assert.Contains(flooder.KeyDid.ToString(), await fixture.DoAsync("pool", "senders", "--limit", "1"), StringComparison.Ordinal);
        await EveryPageOnce(senders.ConvertAll(sender => sender.GetProperty("did").GetString()!));

        Assert.Equal(5, (await fixture.DoJsonAsync("pool", "drop", flooder.KeyDid.ToString())).GetProperty("dropped").GetInt32());
        foreach (var id in waiting)
        {
            var told = await Assert.ThrowsAsync<VivimException>(() => fixture.Node.Client.AwaitReceiptAsync(id));
            Assert.Equal("DROPPED_BY_OPERATOR", told.Reason);
            Assert.Contains("\"dropped\":{\"reason\":\"DROPPED_BY_OPERATOR\"", (await fixture.RunAsync("tx", "show", id.ToString(), "--json")).Output, StringComparison.Ordinal);
        }

        Assert.Equal(0, (await fixture.DoJsonAsync("pool", "drop", flooder.KeyDid.ToString())).GetProperty("dropped").GetInt32());
        Assert.Equal(VivimCommand.Usage, (await fixture.RunAsync("pool", "drop", "x")).ExitCode);
        var refusal = await Assert.ThrowsAsync<VivimException>(() => fixture.Node.Client.OperatePool(fixture.Own).ListSendersAsync(1_001));
        Assert.Equal("INVALID_ARGUMENT", refusal.Reason);
        refusal = await Assert.ThrowsAsync<VivimException>(() => fixture.Node.Client.OperatePool(fixture.Own).ListSendersAsync(1, "x"));
        Assert.Equal("INVALID_ARGUMENT", refusal.Reason);
    }

    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("2001:db8:0:1:ffff::1", "2001:db8:0:1::/64")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "127.0.0.1")]
    public void An_address_is_one_caller_and_so_is_an_IPv6_network(string address, string caller) => Assert.Equal(caller, CallerAddress.Of(IPAddress.Parse(address)).ToString());

    private async Task EveryPageOnce(IReadOnlyList<string> expected)
    {
        var operation = fixture.Node.Client.OperatePool(fixture.Own);
        var seen = new List<string>();
        var token = "";
        do
        {
            var page = await operation.ListSendersAsync(1, token);
            seen.Add(Assert.Single(page.Senders).Did);
            token = page.NextPageToken;
        }
        while (token.Length > 0);
        Assert.Equal(expected, seen);
    }
}
