using System.Net;
using System.Net.Sockets;

namespace Vivim.Chain.Pool;

/// <summary>
/// Shares something scarce among network addresses by one rule: an address may have another one while more is free than it has. Alone it gets
/// half, and somebody at another address still finds places. An IPv6 address counts by its network of 48 bits, because one line may have as much.
/// The addresses of 127.0.0.0/8 other than 127.0.0.1 count as one, because any program of the node's machine may call from each of them.
/// A deterministic core.
/// </summary>
internal sealed class OriginShares
{
    /// <summary>Addresses that are counted; whoever comes after so many is not. Each of them has something here.</summary>
    private const int MaxOrigins = 10_000;

    private const int LineBits = 48;

    private static readonly IPNetwork Loopback = IPNetwork.Parse("127.0.0.0/8");

    private readonly Dictionary<string, int> held = [];

    /// <summary>Whether an address has had its share.</summary>
    /// <param name="origin">An IPv4 address or an IPv6 network of 64 bits; any other text is an address of its own.</param>
    /// <param name="free">What nobody has.</param>
    /// <param name="taken">What it would take over from other addresses beside the one more.</param>
    public bool HasHadItsShare(string origin, long free, long taken = 0) => held.GetValueOrDefault(CountedAs(origin)) + taken >= free;

    /// <summary>An address has one more.</summary>
    public void Add(string origin)
    {
        var counted = CountedAs(origin);
        if (held.Count < MaxOrigins || held.ContainsKey(counted)) held[counted] = held.GetValueOrDefault(counted) + 1;
    }

    /// <summary>An address gives one back.</summary>
    public void GiveBack(string origin)
    {
        var counted = CountedAs(origin);
        if (!held.TryGetValue(counted, out var count)) return;
        if (count == 1) held.Remove(counted);
        else held[counted] = count - 1;
    }

    /// <summary>Nobody has anything.</summary>
    public void Clear() => held.Clear();

    private static string CountedAs(string origin)
    {
        if (IPAddress.TryParse(origin, out var address) && Loopback.Contains(address) && !address.Equals(IPAddress.Loopback)) return $"{Loopback}";
        if (!IPNetwork.TryParse(origin, out var network) || network.PrefixLength <= LineBits) return origin;
        if (network.BaseAddress.AddressFamily != AddressFamily.InterNetworkV6) return origin;
        var bytes = network.BaseAddress.GetAddressBytes();
        bytes.AsSpan(LineBits / 8).Clear();
        return $"{new IPAddress(bytes)}/{LineBits}";
    }
}
