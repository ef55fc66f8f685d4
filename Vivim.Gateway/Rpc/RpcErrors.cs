using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Vivim.Gateway.Telemetry;
using Vivim.Protocol;
using Vivim.Protocol.Transactions;

namespace Vivim.Gateway.Rpc;

/// <summary>Errors as clients get them: a canonical code, and google.rpc.ErrorInfo with a reason to act on (docs/spec/errors.md).</summary>
internal static class RpcErrors
{
    /// <summary>The domain of every ErrorInfo of this project.</summary>
    public const string Domain = "vivim";

    /// <param name="message">What it quotes of the request is made printable and cut, so that no caller gets more back than it can read.</param>
    public static RpcException Of(StatusCode code, string reason, string message) => new Google.Rpc.Status
    {
        Code = (int)code,
        Message = PrintableText.Of(message, PrintableText.MaxFieldLength),
        Details = { Any.Pack(new ErrorInfo { Domain = Domain, Reason = reason }), Request() },
    }.ToRpcException();

    /// <summary>RESOURCE_EXHAUSTED, with google.rpc.RetryInfo saying when it is worth another call.</summary>
    public static RpcException TryLater(string reason, string message, TimeSpan delay) => new Google.Rpc.Status
    {
        Code = (int)StatusCode.ResourceExhausted,
        Message = message,
        Details = { Any.Pack(new ErrorInfo { Domain = Domain, Reason = reason }), Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(delay) }), Request() },
    }.ToRpcException();

    /// <summary>The id under which the node logs about the call.</summary>
    private static Any Request() => Any.Pack(new RequestInfo { RequestId = Correlation.Id });

    public static RpcException Of(Refusal refusal) => Of(CodeOf(refusal.Reason), refusal.Code, refusal.Message);

    public static RpcException InvalidArgument(string message) => Of(StatusCode.InvalidArgument, "INVALID_ARGUMENT", message);

    public static RpcException NotReady() => Of(StatusCode.Unavailable, "NOT_READY", "the node is starting or stopping: try again shortly");

    public static RpcException NotYetCertified() => Of(StatusCode.Unavailable, "NOT_YET_CERTIFIED", "no block certifies this yet: try again after the next one");

    public static RpcException PoolSilent() => Of(StatusCode.Unavailable, "POOL_SILENT", "a part of the pool did not answer in time: try again shortly");

    /// <summary>The outcome is unknown: the same bytes can be sent again without harm.</summary>
    public static RpcException OutcomeUnknown() => Of(StatusCode.Unavailable, Refusal.OutcomeUnknown, OutcomeUnknownMessage);

    public const string OutcomeUnknownMessage = "the pool did not answer in time, the transaction may or may not be taken: send the same bytes again";

    /// <summary>The canonical code of a refusal.</summary>
    public static StatusCode CodeOf(RefusalReason reason) => reason switch
    {
        RefusalReason.Malformed or RefusalReason.TooLarge or RefusalReason.WrongChain or RefusalReason.BadSignature or RefusalReason.FeeNotZero or RefusalReason.ExpiryTooFar => StatusCode.InvalidArgument,
        RefusalReason.UnknownAction => StatusCode.Unimplemented,
        RefusalReason.SignerNotAuthorized or RefusalReason.NotAnAuthority => StatusCode.PermissionDenied,
        RefusalReason.NonceConflict => StatusCode.AlreadyExists,
        RefusalReason.QuotaExceeded or RefusalReason.RegistrationsExceeded or RefusalReason.RegistrationsLimited or RefusalReason.PoolFull or RefusalReason.NonceTooFar => StatusCode.ResourceExhausted,
        RefusalReason.DroppedByOperator => StatusCode.Aborted,
        RefusalReason.SenderUnknown or RefusalReason.NonceStale or RefusalReason.NonceGap or RefusalReason.Expired => StatusCode.FailedPrecondition,
        _ => StatusCode.Unknown,
    };
}
