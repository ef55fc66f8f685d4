using System.Net;
using System.Net.Sockets;

namespace Vivim.Actors.Remoting;

/// <summary>
/// The connections that have not shown a certificate yet, of one network and in all. A new one always gets a place: where there is none left, the oldest
/// of the network that has the most is ended. So whoever shows no certificate keeps nobody out who shows one in time.
/// </summary>
internal sealed class Handshakes(int perNetwork, int inAll)
{
    /// <summary>Bytes of an IPv6 address that name a network: its owner chooses the other ones.</summary>
    private const int NetworkBytes = 8;

    private readonly List<Handshake> underWay = [];
    private readonly Lock gate = new();

    /// <summary>Gives a new connection its place, until the handshake is disposed.</summary>
    /// <param name="limit">Cancelled when the place goes to another connection.</param>
    public Handshake Begin(IPAddress address, CancellationTokenSource limit)
    {
        var begun = new Handshake(this, NetworkOf(address), limit);
        Handshake? ended;
        lock (gate)
        {
            ended = GivesWayTo(begun);
            if (ended is not null) underWay.Remove(ended);
            underWay.Add(begun);
        }

        ended?.End();
        return begun;
    }

    private Handshake? GivesWayTo(Handshake begun)
    {
        if (underWay.Count(other => other.Network.Equals(begun.Network)) >= perNetwork) return underWay.Find(other => other.Network.Equals(begun.Network));
        return underWay.Count < inAll ? null : underWay.GroupBy(other => other.Network).MaxBy(network => network.Count())!.First();
    }

    private static IPAddress NetworkOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address;
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(NetworkBytes).Clear();
        return new IPAddress(bytes);
    }

    /// <summary>A connection's handshake.</summary>
    internal sealed class Handshake(Handshakes handshakes, IPAddress network, CancellationTokenSource limit) : IDisposable
    {
        public IPAddress Network => network;

        public void End() => limit.Cancel();

        public void Dispose()
        {
            lock (handshakes.gate) handshakes.underWay.Remove(this);
        }
    }
}
