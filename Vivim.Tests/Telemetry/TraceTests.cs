using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Vivim.Actors.Telemetry;
using Vivim.Tests.Gateway;
using Vivim.Tests.Telemetry.Otlp;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Telemetry;

/// <summary>The way of one transaction through a real node, as a receiver of OTLP sees it.</summary>
[Collection(NodeCollection.Name)]
public sealed class TraceTests
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Caller = "00f067aa0ba902b7";

    [Fact]
    public async Task One_trace_leads_from_the_callers_span_over_the_pool_and_the_block_to_the_commit()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, $"genesis.block-interval = 250ms, telemetry {{ otlp.endpoint = \"{receiver.Address}\", trace-one-in = 1 }}");
        using var alice = new TestPerson((await node.Client.GetStatusAsync()).ChainId);
        var (accepted, correlation) = await SubmitAsync(node, alice, $"00-{TraceId}-{Caller}-01");

        Assert.Equal(TraceId, correlation);
        IReadOnlyList<Span> trace = [];
        await Eventually.Async(() =>
        {
            trace = [.. receiver.Spans.Where(span => Hex(span.TraceId) == TraceId)];
            return Task.FromResult(trace.Any(span => span.Name == "block commit"));
        }, "the commit is traced");
        var call = Assert.Single(trace, span => span.Kind == Span.Types.SpanKind.Server);
        Assert.Contains("vivim.v1.Chain/Submit", call.Name, StringComparison.Ordinal);
        var last = Caller;
        foreach (var span in (Span[])[call, Named("pool admit"), Named("block include"), Named("block commit")])
        {
            Assert.Equal(last, Hex(span.ParentSpanId));
            Assert.InRange(span.EndTimeUnixNano, span.StartTimeUnixNano, ulong.MaxValue);
            last = Hex(span.SpanId);
        }

        Assert.Equal(4, trace.Count);
        Assert.Equal(accepted.TransactionId, Attribute(Named("block include"), "vivim.transaction").StringValue);
        Assert.Equal(accepted.TransactionId, Attribute(Named("block commit"), "vivim.transaction").StringValue);
        Assert.Equal(1, Attribute(Named("pool admit"), "vivim.admitted").IntValue);
        var height = Attribute(Named("block commit"), "vivim.height").IntValue;
        Assert.Equal(height, (long)(await node.Client.GetTransactionAsync(Vivim.Protocol.Hash256.FromHex(accepted.TransactionId))).Receipt.Height);
        Assert.InRange(Named("block commit").EndTimeUnixNano, call.StartTimeUnixNano, ulong.MaxValue);
        var resource = receiver.Resources[0].Resource.Attributes.ToDictionary(attribute => attribute.Key, attribute => attribute.Value.StringValue);
        Assert.Equal(("vivim", "local"), (resource["service.name"], resource["service.instance.id"]));

        Span Named(string name) => Assert.Single(trace, span => span.Name == name);
    }

    [Fact]
    public async Task A_caller_cannot_have_more_calls_traced_than_the_operator_wants()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, $"genesis.block-interval = 250ms, telemetry {{ otlp.endpoint = \"{receiver.Address}\", trace-one-in = 1000000 }}");
        using var alice = new TestPerson((await node.Client.GetStatusAsync()).ChainId);
        // The second trace is one that the ratio lets through, by its id; when it has come, the first would have come too.
        await SubmitAsync(node, alice, $"00-{TraceId}-{Caller}-01");
        using var bob = new TestPerson((await node.Client.GetStatusAsync()).ChainId);
        var passing = "0000000000000000" + TraceId[16..];
        await SubmitAsync(node, bob, $"00-{passing}-{Caller}-01");

        await Eventually.Async(() => Task.FromResult(receiver.Spans.Any(span => span.Name == "block commit")), "the commit is traced");
        Assert.All(receiver.Spans, span => Assert.Equal(passing, Hex(span.TraceId)));
    }

    [Fact]
    public void Where_nobody_listens_nothing_is_made_and_what_came_is_passed_on()
    {
        var parent = $"00-{TraceId}-{Caller}-01";
        Assert.False(TransactionTrace.IsOn);
        Assert.Equal(default, TransactionTrace.Begin());
        Assert.Same(parent, TransactionTrace.Record("pool admit", parent, default));
        Assert.Null(Activity.Current);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-and-much-more")]
    [InlineData("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902bz-01")]
    public void What_is_no_traceparent_goes_no_further(string text) => Assert.Equal("", TransactionTrace.Checked(text));

    private static async Task<(V1.SubmitResponse Response, string Correlation)> SubmitAsync(NodeProcess node, TestPerson person, string traceParent)
    {
        var request = new V1.SubmitRequest { Transaction = person.Sign(person.Registration()).ToMessage() };
        using var call = new V1.Chain.ChainClient(node.Channel).SubmitAsync(request, new Metadata { { "traceparent", traceParent } });
        return (await call, (await call.ResponseHeadersAsync).GetValue("vivim-correlation-id") ?? "");
    }

    private static string Hex(ByteString bytes) => Convert.ToHexStringLower(bytes.Span);

    private static AnyValue Attribute(Span span, string key) => Assert.Single(span.Attributes, attribute => attribute.Key == key).Value;
}
