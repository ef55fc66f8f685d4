using Grpc.Core;
using Vivim.Protocol.Identity;
using Vivim.Protocol.V1;
using Vivim.Tests.Ledger;
using Vivim.Tests.Protocol;

namespace Vivim.Tests.Client;

/// <summary>What an operator's client sends along with its calls.</summary>
public sealed class ClusterOperatorTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly SetTime clock = new(DateTimeOffset.UtcNow);
    private readonly RecordingCluster cluster = new();

    [Fact]
    public async Task A_token_serves_while_a_minute_of_it_is_left_and_then_another_is_signed()
    {
        await using var node = await FakeNode.StartAsync(new TestChainStatus(), cluster, clock);
        var operation = node.Client.Operate(Examples.Alice.Key);

        await CallAsync(TimeSpan.Zero);
        await CallAsync(59 * Second);
        Assert.Single(cluster.Authorizations.Distinct());
        await CallAsync(2 * Second);
        await CallAsync(-10 * Second);
        Assert.Equal(3, cluster.Authorizations.Distinct().Count());

        async Task CallAsync(TimeSpan later)
        {
            clock.Now += later;
            await operation.ShowAsync();
            var text = cluster.Authorizations[^1]["Bearer ".Length..];
            Assert.True(CallerToken.TryVerify(text, TestChain.ChainId, clock.Now.ToUnixTimeMilliseconds(), out var token, out _));
            Assert.Equal(Examples.Alice.KeyDid, token.Caller);
        }
    }

    private sealed class TestChainStatus : ScriptedChain
    {
        public override Task<GetStatusResponse> GetStatus(GetStatusRequest request, ServerCallContext context) => Task.FromResult(new GetStatusResponse { ChainId = TestChain.ChainId });
    }

    private sealed class RecordingCluster : Cluster.ClusterBase
    {
        public List<string> Authorizations { get; } = [];

        public override Task<ClusterShowResponse> Show(ClusterShowRequest request, ServerCallContext context)
        {
            Authorizations.Add(context.RequestHeaders.GetValue("authorization")!);
            return Task.FromResult(new ClusterShowResponse());
        }
    }
}
