using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Vivim.Gateway.Limits;

/// <summary>
/// Where a caller calls from, as limits count it: an IPv4 address, or the 64-bit network of an IPv6 address, because whoever has one
/// address of such a network has all of them.
/// </summary>
internal readonly record struct CallerAddress
{
    private readonly ulong bits;
    private readonly bool isIPv6;

    private CallerAddress(ulong bits, bool isIPv6)
    {
        this.bits = bits;
        this.isIPv6 = isIPv6;
    }

    /// <summary>
    /// The node's own machine as its programs reach the node by default: 127.0.0.1 and ::1. Other addresses of 127.0.0.0/8 are callers of
    /// their own: users of the machine are trusted not to call from many of them.
    /// </summary>
    public static CallerAddress OwnMachine { get; } = Of(IPAddress.Loopback);

    /// <summary>Whether this is <see cref="OwnMachine"/>.</summary>
    public bool IsOwnMachine => this == OwnMachine;

    /// <summary>An IPv4 address, or an IPv6 network such as 2001:db8:0:1::/64.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (isIPv6) BinaryPrimitives.WriteUInt64BigEndian(bytes, bits);
        else BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)bits);
        return isIPv6 ? $"{new IPAddress(bytes)}/64" : new IPAddress(bytes[..4]).ToString();
    }

    /// <param name="remote">The remote address of a connection; null, which no TCP connection has, counts as 0.0.0.0.</param>
    public static CallerAddress Of(IPAddress? remote)
    {
        if (remote is null) return default;
        if (remote.Equals(IPAddress.IPv6Loopback)) return OwnMachine;
        var address = remote.IsIPv4MappedToIPv6 ? remote.MapToIPv4() : remote;
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? new CallerAddress(BinaryPrimitives.ReadUInt64BigEndian(bytes), true)
            : new CallerAddress(BinaryPrimitives.ReadUInt32BigEndian(bytes), false);
    }
}
