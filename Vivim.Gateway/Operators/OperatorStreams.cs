using Vivim.Gateway.Limits;
using Vivim.Gateway.Rpc;
using Vivim.Protocol.Identity;

namespace Vivim.Gateway.Operators;

/// <summary>
/// Bounds the streams of supervision events and log records that operators watch, by key and in all: each asks every node of the cluster
/// twice a second. Thread-safe.
/// </summary>
internal sealed class OperatorStreams
{
    /// <summary>Streams of one operator's key at once.</summary>
    public const int PerOperator = 16;

    /// <summary>Streams of all operators at once.</summary>
    public const int InAll = 64;

    private readonly Lock gate = new();
    private readonly Dictionary<Did, int> open = [];
    private int count;

    /// <summary>Streams that are open.</summary>
    public int Count
    {
        get
        {
            lock (gate) return count;
        }
    }

    /// <summary>Opens a stream for an operator.</summary>
    /// <returns>To be disposed at the stream's end.</returns>
    /// <exception cref="Grpc.Core.RpcException">CALLS_LIMITED: the operator, or all together, have as many as they may.</exception>
    public IDisposable Open(Did caller)
    {
        lock (gate)
        {
            var own = open.GetValueOrDefault(caller);
            if (own >= PerOperator) throw Refused($"{own} streams of supervision and logs are open with this operator's key");
            if (count >= InAll) throw Refused($"{count} streams of supervision and logs are open, by all operators together");
            open[caller] = own + 1;
            count++;
        }

        return new Place(this, caller);
    }

    private static Grpc.Core.RpcException Refused(string message) =>
        RpcErrors.TryLater(LimitRefusal.Calls.Reason, $"{message}, which is as many as may be: end one, or try again shortly", LimitRefusal.RetryAfter);

    private void Close(Did caller)
    {
        lock (gate)
        {
            count--;
            if (--open[caller] == 0) open.Remove(caller);
        }
    }

    private sealed class Place(OperatorStreams streams, Did caller) : IDisposable
    {
        public void Dispose() => streams.Close(caller);
    }
}
