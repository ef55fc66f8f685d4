using System.Net;
using System.Net.Sockets;

namespace Vivim.Faults.Network;

/// <summary>All nodes on 127.0.0.1, each with ports of its own. Nothing can be cut.</summary>
internal sealed class LoopbackNetwork : INodeNetwork
{
    private readonly List<NodeAddress> addresses;

    public LoopbackNetwork(int nodes)
    {
        var listeners = Enumerable.Range(0, nodes * 3).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        // All are held until all are known, so that none is given twice.
        foreach (var listener in listeners) listener.Start();
        addresses = [.. listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port).Chunk(3).Select(p => new NodeAddress(HostAddress, p[0], p[1], p[2]))];
        foreach (var listener in listeners) listener.Dispose();
    }

    public string HostAddress => "127.0.0.1";

    public NodeAddress AddressOf(int node) => addresses[node - 1];

    public IReadOnlyList<string> At(int node, IReadOnlyList<string> command) => command;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
