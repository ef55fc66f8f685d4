using System.Net;
using Grpc.Core;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Rpc;
using Vivim.Protocol.Identity;

namespace Vivim.Gateway.Operators;

/// <summary>A call to administer, before it is known whose it is.</summary>
/// <param name="Authorization">The metadata of that name; null where there is none.</param>
/// <param name="Remote">Where it comes from.</param>
/// <param name="Method">The full name of what is called.</param>
internal sealed record AdministrationCall(string? Authorization, IPAddress Remote, string Method);

/// <summary>
/// Lets operators administer and nobody else: those of the settings, and the holder of the node's own operator key. Every call's token is
/// checked, also from an address that was refused a thousand times: nobody can shut an operator out by being refused at the same address. A refusal is
/// logged, with who, whence, what and why, as far as <see cref="RefusalLogBudget"/> has a line for it.
/// </summary>
/// <remarks>What a refusal costs: the token's form, chain and time are checked first, then its signature, in about 60 µs, less than the call itself takes.</remarks>
internal sealed class OperatorGate(NodeSettings settings, TimeProvider clock, ILogger<OperatorGate> log)
{
    private const string Scheme = "Bearer ";

    private readonly RefusalLogBudget budget = new();

    /// <summary>Whether a call carries an operator's valid token. Nothing is counted or logged: it is asked of calls that need no operator.</summary>
    public bool IsOperators(string? authorization, string chainId, Did nodeOperator) =>
        authorization?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) == true
        && CallerToken.TryVerify(authorization[Scheme.Length..], chainId, Now, out var token, out _)
        && IsOperator(token.Caller, nodeOperator);

    /// <summary>Checks a call's token and whose it is.</summary>
    /// <param name="chainId">The chain of the node.</param>
    /// <param name="nodeOperator">The did:key of the node's operator key.</param>
    /// <returns>The operator that calls.</returns>
    /// <exception cref="RpcException">UNAUTHENTICATED with TOKEN_…, or PERMISSION_DENIED with NOT_AN_OPERATOR.</exception>
    public Did Admit(AdministrationCall call, string chainId, Did nodeOperator)
    {
        if (call.Authorization is not { } authorization || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            throw Refused(call, new TokenRefusal(TokenRefusalReason.Missing, "this needs the token of an operator, as metadata 'authorization: Bearer TOKEN'"));
        if (!CallerToken.TryVerify(authorization[Scheme.Length..], chainId, Now, out var token, out var refusal)) throw Refused(call, refusal);
        if (IsOperator(token.Caller, nodeOperator)) return token.Caller;
        var message = $"{token.Caller} is not an operator of this node: use the node's keys/operator.key, or a key that its setting vivim.operators names";
        throw Refused(call, token.Caller.ToString(), StatusCode.PermissionDenied, "NOT_AN_OPERATOR", message);
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private bool IsOperator(Did caller, Did nodeOperator) => caller == nodeOperator || settings.Operators.Contains(caller);

    private RpcException Refused(AdministrationCall call, TokenRefusal refusal) => Refused(call, "somebody", StatusCode.Unauthenticated, refusal.Code, refusal.Message);

    private RpcException Refused(AdministrationCall call, string who, StatusCode code, string reason, string message)
    {
        if (budget.TryTake(call.Remote, Now, out var unlogged))
        {
            log.LogWarning("{Who} at {Remote} may not call {Method}: {Reason}, {Message}", who, call.Remote, call.Method, reason, message);
            if (unlogged > 0) log.LogWarning("{Unlogged} refusals before that one are not in the log", unlogged);
        }

        return RpcErrors.Of(code, reason, message);
    }
}
