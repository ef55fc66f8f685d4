using System.Net;

namespace Vivim.Actors.Remoting;

/// <summary>How many connections may be in their handshake at once, of one address and in all: who shows no certificate keeps few others waiting.</summary>
internal sealed class HandshakeSlots(int perAddress, int inAll)
{
    private readonly Dictionary<IPAddress, int> taken = [];
    private readonly Lock gate = new();
    private int total;

    /// <returns>Whether there was a slot for a connection from this address.</returns>
    public bool TryTake(IPAddress address)
    {
        lock (gate)
        {
            var own = taken.GetValueOrDefault(address);
            if (total >= inAll || own >= perAddress) return false;
            taken[address] = own + 1;
            total++;
            return true;
        }
    }

    public void Free(IPAddress address)
    {
        lock (gate)
        {
            total--;
            if (--taken[address] == 0) taken.Remove(address);
        }
    }
}
