using System.Net;
using System.Net.Sockets;

namespace Vivim.Actors.Remoting;

/// <summary>
/// The connections that have not shown a certificate yet, of one network and in all. A new one always gets a place: where there is none
/// left, the oldest of the network that has the most is ended. So whoever shows no certificate keeps no member out.
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
        var own = underWay.FindAll(other => other.Network.Equals(begun.Network));
        if (own.Count >= perNetwork) return own[0];
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
        private bool isOver;

        public IPAddress Network => network;

        /// <summary>Cancels the handshake, unless it is over: its limit may be disposed then.</summary>
        public void End()
        {
            // What is cancelled goes on elsewhere, not under the lock.
            lock (handshakes.gate) _ = isOver ? Task.CompletedTask : limit.CancelAsync();
        }

        public void Dispose()
        {
            lock (handshakes.gate)
            {
                isOver = true;
                handshakes.underWay.Remove(this);
            }
        }
    }
}
