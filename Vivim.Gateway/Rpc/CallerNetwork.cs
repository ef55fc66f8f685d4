using System.Net;
using Grpc.Core;

namespace Vivim.Gateway.Rpc;

/// <summary>
/// Where a call comes from, as far as callers are told apart: an IPv4 address, or an IPv6 network of 64 bits, since whoever has one address of it
/// has them all. The machine itself is one place, whatever loopback address is used.
/// </summary>
internal static class CallerNetwork
{
    private const int NetworkBytes = 8;

    public static string Of(ServerCallContext context) => Of(context.GetHttpContext().Connection.RemoteIpAddress);

    public static string Of(IPAddress? remote)
    {
        if (remote is null) return "unknown";
        var address = remote.IsIPv4MappedToIPv6 ? remote.MapToIPv4() : remote;
        if (IPAddress.IsLoopback(address)) return "loopback";
        var bytes = address.GetAddressBytes();
        if (bytes.Length <= NetworkBytes) return address.ToString();
        bytes.AsSpan(NetworkBytes).Clear();
        return $"{new IPAddress(bytes)}/{8 * NetworkBytes}";
    }
}
