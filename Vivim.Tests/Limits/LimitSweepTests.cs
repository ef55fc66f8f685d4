using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Vivim.Gateway.Limits;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Limits;

/// <summary>What ends whatever has had its time.</summary>
public sealed class LimitSweepTests
{
    [Fact]
    public async Task A_connection_that_cannot_be_ended_keeps_no_other_from_being_ended()
    {
        var clock = new SetTime(DateTimeOffset.UnixEpoch.AddDays(1));
        var settings = TestSettings.Of(("data", "unused")).Limits;
        using var tally = new LimitTally();
        var bytes = new BytesInFlight(settings.MaxBytesInFlight, clock);
        var connections = new ConnectionLimiter(settings, bytes, tally, clock, NullLogger<ConnectionLimiter>.Instance);
        var calls = new CallLimiter(settings, connections, bytes, tally, clock);
        using var sweep = new LimitSweep(connections, calls, bytes, tally, clock, NullLogger<LimitSweep>.Instance);
        var silent = Enumerable.Range(0, 3).Select(i => new Stubborn(isStubborn: i == 0)).ToList();
        var serving = silent.Select(connection => connections.Serve(connection, one => ((Stubborn)one).Ended)).ToList();

        clock.Now += settings.FirstCallWithin;
        for (var i = 0; i < 2; i++) sweep.Sweep();

        Assert.All(silent.Skip(1), connection => Assert.True(connection.Ended.IsCompleted));
        await Task.WhenAll(serving.Skip(1));
        Assert.Equal(0, connections.Count);
    }

    /// <summary>A connection that has no calls, and may fail where it is to be ended.</summary>
    private sealed class Stubborn : DefaultConnectionContext, IMemoryPoolFeature
    {
        private readonly TaskCompletionSource ended = new();
        private readonly bool isStubborn;

        public Stubborn(bool isStubborn)
        {
            this.isStubborn = isStubborn;
            RemoteEndPoint = new IPEndPoint(IPAddress.Loopback, 1);
            Features.Set<IMemoryPoolFeature>(this);
        }

        public Task Ended => ended.Task;

        public MemoryPool<byte> MemoryPool => System.Buffers.MemoryPool<byte>.Shared;

        public override void Abort(ConnectionAbortedException abortReason)
        {
            if (isStubborn) throw new InvalidOperationException("the connection cannot be ended");
            ended.TrySetResult();
        }
    }
}
