using Akka.Actor;
using Akka.Event;
using Vivim.Chain.Ledger;
using Vivim.Gateway.Rpc;

namespace Vivim.Gateway.Node;

/// <summary>Lets streams wait for the next committed height without polling.</summary>
internal sealed class HeightSignal
{
    private readonly Lock gate = new();
    private TaskCompletionSource advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong height;
    private bool isClosed;

    /// <summary>The last height known to be committed.</summary>
    public ulong Current
    {
        get
        {
            lock (gate) return height;
        }
    }

    /// <summary>Completes when a height above <paramref name="known"/> is committed.</summary>
    /// <exception cref="Grpc.Core.RpcException">NOT_READY: the node stops.</exception>
    public Task WaitAbove(ulong known, CancellationToken cancellation)
    {
        lock (gate) return height > known && !isClosed ? Task.CompletedTask : advanced.Task.WaitAsync(cancellation);
    }

    /// <summary>The node stops: whoever waits, or will, is told to come again.</summary>
    public void Close()
    {
        lock (gate)
        {
            isClosed = true;
            advanced.TrySetException(RpcErrors.NotReady());
        }
    }

    public void Advance(ulong to)
    {
        TaskCompletionSource waiting;
        lock (gate)
        {
            if (isClosed) return;
            height = Math.Max(height, to);
            waiting = advanced;
            advanced = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        waiting.SetResult();
    }
}

/// <summary>Hears of commits and faults on the node's event stream and passes them to what is not an actor.</summary>
internal sealed class HostBridge : ReceiveActor
{
    public HostBridge(HeightSignal heights, Action<string> onFault)
    {
        Receive<BlockCommitted>(committed => heights.Advance(committed.Tip.Height));
        Receive<NodeFault>(fault => onFault(fault.Reason));
    }

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<BlockCommitted>(Self);
        Context.System.EventStream.Subscribe<NodeFault>(Self);
    }
}
