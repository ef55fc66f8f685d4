using Grpc.Core;
using Vivim.Chain.Queries;
using Vivim.Gateway.Limits;

namespace Vivim.Gateway.Rpc;

/// <summary>Who calls, as turns and shares count callers: the address that a call comes from.</summary>
internal static class CallerTurn
{
    /// <summary>The address of the caller.</summary>
    public static string Caller(this ServerCallContext context) =>
        CallerAddress.Of(context.GetHttpContext().Connection.RemoteIpAddress).ToString();

    /// <summary>Waits for the caller's next turn.</summary>
    public static Task<CallerTurns.Turn> Next(this CallerTurns turns, ServerCallContext context) =>
        turns.Next(context.Caller(), context.CancellationToken);
}
