using Akka.Actor;
using Akka.Event;
using Vivim.Chain.Ledger;

namespace Vivim.Gateway.Node;

/// <summary>Hears of commits and faults on the node's event stream and passes them to what is not an actor.</summary>
internal sealed class HostBridge : ReceiveActor
{
    public HostBridge(Action<BlockCommitted> onCommitted, Action<string> onFault)
    {
        Receive<BlockCommitted>(onCommitted);
        Receive<NodeFault>(fault => onFault(fault.Reason));
    }

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<BlockCommitted>(Self);
        Context.System.EventStream.Subscribe<NodeFault>(Self);
    }
}
