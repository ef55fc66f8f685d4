using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Vivim.Chain.Queries;
using Vivim.Gateway.Operators;

namespace Vivim.Gateway.Rpc;

/// <summary>Takes the places of calls: who has too many under way is told to come again.</summary>
internal static class CallerPlace
{
    /// <summary>Whoever has one IPv6 address has its 64-bit network.</summary>
    private const int NetworkBytes = 8;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Takes a place for the call's address.</summary>
    /// <param name="what">What the calls are, in the plural, e.g. "streams".</param>
    /// <exception cref="RpcException">CALLS_LIMITED: the address, or all together, have as many under way as they may.</exception>
    public static CallerTurns.Place Of(CallerTurns turns, string what, ServerCallContext context)
    {
        var address = context.GetHttpContext().Connection.RemoteIpAddress ?? IPAddress.None;
        return turns.TryEnter(Network(address)) ?? throw Limited(what, $"your address {address}");
    }

    /// <summary>Takes a place for the operator that calls; <see cref="OperatorInterceptor"/> has let it in.</summary>
    /// <exception cref="RpcException">CALLS_LIMITED.</exception>
    public static CallerTurns.Place OfOperator(CallerTurns turns, string what, ServerCallContext context)
    {
        var caller = OperatorInterceptor.OperatorOf(context).ToString();
        return turns.TryEnter(caller) ?? throw Limited(what, caller);
    }

    private static RpcException Limited(string what, string caller) =>
        RpcErrors.TryLater("CALLS_LIMITED", $"{caller}, or all callers together, have as many {what} under way as this node allows: end some, or try again in {Pause.TotalSeconds} s", Pause);

    private static string Network(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4().ToString();
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, NetworkBytes)) : address.ToString();
    }
}
