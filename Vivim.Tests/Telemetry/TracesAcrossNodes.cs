using Vivim.Tests.Gateway;
using Vivim.Tests.Telemetry.Otlp;

namespace Vivim.Tests.Telemetry;

/// <summary>Traces of transactions that go from one real node to another, as a receiver of OTLP that both send to sees them.</summary>
internal static class TracesAcrossNodes
{
    /// <summary>Registrations at once; two are in one pool partition about as often as not.</summary>
    private const int Round = 8;

    /// <summary>How to start a node all of whose calls are traced, and whose spans are sent soon.</summary>
    public static NodeStart Traced(NodeStart start, OtlpReceiver receiver) => start with
    {
        Settings = $"{start.Settings}\ntelemetry {{ otlp.endpoint = \"{receiver.Address}\", trace-one-in = 1 }}",
        Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["OTEL_BSP_SCHEDULE_DELAY"] = "500" },
    };

    /// <summary>
    /// Registers people at a node that runs no validator, until both hops were seen: from the call to a partition on another node, and from a partition
    /// here to the block maker on another node. Every way that is whole must be one trace.
    /// </summary>
    /// <param name="name">Of the node called.</param>
    public static async Task LeadFromTheCallToTheCommitAsync(OtlpReceiver receiver, NodeProcess called, string name)
    {
        var chainId = (await called.Client.GetStatusAsync()).ChainId;
        IReadOnlyList<Way> ways = [];
        await Eventually.Async(
            async () =>
            {
                await RegisterAsync(called, chainId);
                ways = [.. receiver.SpansByNode.GroupBy(sent => Convert.ToHexStringLower(sent.Span.TraceId.Span)).Select(trace => Way.Of(trace.Key, [.. trace])).OfType<Way>()];
                return ways.Any(way => way.Call == name && way.Admit != name) && ways.Any(way => way.Admit == name && way.Include != name);
            },
            "a trace leads from one node's call to another one's partition, and one from a partition to another node's block");
        Assert.All(ways, way => Assert.Equal((name, way.Include, true), (way.Call, way.Commit, way.Include != name)));
    }

    private static async Task RegisterAsync(NodeProcess called, string chainId)
    {
        var people = Enumerable.Range(0, Round).Select(_ => new TestPerson(chainId)).ToList();
        try
        {
            var registrations = people.Select(person => person.Sign(person.Registration())).ToList();
            await Task.WhenAll(registrations.Select(registration => called.Client.SubmitAsync(registration)));
            await Task.WhenAll(registrations.Select(registration => called.Client.AwaitReceiptAsync(registration.IdOn(chainId))));
        }
        finally
        {
            foreach (var person in people) person.Dispose();
        }
    }

    /// <summary>A transaction's whole way: the node of each of its spans.</summary>
    private sealed record Way(string Call, string Admit, string Include, string Commit)
    {
        /// <summary>Null for another trace, or one that is not whole: an outvoted block, or an export still to come.</summary>
        public static Way? Of(string trace, IReadOnlyList<(string Node, Span Span)> sent)
        {
            if (sent.FirstOrDefault(s => s.Span.Name == "block commit") is not { Span: not null } commit) return null;
            // The nodes send at different times: what has not come yet is no broken chain.
            if (ParentOf(commit) is not { } include || ParentOf(include) is not { } admit || ParentOf(admit) is not { } call) return null;
            Assert.Equal(("block include", "pool admit", Span.Types.SpanKind.Server), (include.Span.Name, admit.Span.Name, call.Span.Kind));
            Assert.True(sent.Count(s => s.Span.Name == "pool admit") == 1, $"the trace {trace} was admitted more than once");
            return new Way(call.Node, admit.Node, include.Node, commit.Node);

            (string Node, Span Span)? ParentOf((string Node, Span Span) child) => sent.Where(s => s.Span.SpanId == child.Span.ParentSpanId).Select(s => ((string, Span)?)s).FirstOrDefault();
        }
    }
}
