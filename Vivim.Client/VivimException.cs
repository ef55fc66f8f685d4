using Grpc.Core;
using Vivim.Protocol;

namespace Vivim.Client;

/// <summary>The node refused, a transaction failed, or there was no answer.</summary>
public sealed class VivimException : Exception
{
    /// <summary>The reason when no node answered at all.</summary>
    public const string Unreachable = "NODE_UNREACHABLE";

    /// <summary>What a node says that has no room for a call now (docs/spec/errors.md).</summary>
    private static readonly string[] NoRoom = ["CONNECTIONS_LIMITED", "CALLS_LIMITED", "ANSWERS_LIMITED"];

    public VivimException(string reason, string message, Exception? inner = null)
        : base(message, inner) => Reason = reason;

    /// <summary>Upper snake case, e.g. NONCE_STALE: the ErrorInfo's reason, else the gRPC status.</summary>
    public string Reason { get; }

    /// <summary>True when there was no answer: what was asked may have happened or not. Ask again with the same bytes.</summary>
    public bool OutcomeUnknown { get; private init; }

    /// <summary>After how long the node, which had no room for the call, wants to be asked again; null for every other failure.</summary>
    public TimeSpan? RetryAfter { get; private init; }

    /// <summary>
    /// True when the outcome is unknown, or the node had no room for the call: the same bytes again may well be answered.
    /// </summary>
    public bool IsTransient => OutcomeUnknown || IsNoRoom;

    /// <summary>True when the node had no room for the call, and has done nothing of it.</summary>
    internal bool IsNoRoom => NoRoom.Contains(Reason);

    /// <summary>Reads a failed call's status and its google.rpc.ErrorInfo.</summary>
    /// <param name="node">Whom the call went to.</param>
    internal static VivimException From(RpcException e, Uri node)
    {
        var status = e.GetRpcStatus();
        if (status?.GetDetail<Google.Rpc.ErrorInfo>() is { } info)
        {
            var delay = NoRoom.Contains(info.Reason) ? status.GetDetail<Google.Rpc.RetryInfo>()?.RetryDelay?.ToTimeSpan() : null;
            return new VivimException(info.Reason, e.Status.Detail, e) { OutcomeUnknown = IsUnknown(e), RetryAfter = delay };
        }

        return e.StatusCode == StatusCode.Unavailable
            ? new VivimException(Unreachable, $"no node answers at {node.OriginalString}; start one with: dotnet run --project Vivim.Gateway", e) { OutcomeUnknown = true }
            : new VivimException(UpperSnakeCase.Of(e.StatusCode.ToString()), e.Status.Detail, e) { OutcomeUnknown = IsUnknown(e) };
    }

    /// <summary>A timeout, a node that is away, or a connection that broke, however the stack below reports it.</summary>
    private static bool IsUnknown(RpcException e)
    {
        if (e.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded) return true;
        for (var cause = e.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is IOException or HttpRequestException) return true;
        }

        return false;
    }
}
