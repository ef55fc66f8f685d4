using Vivim.Protocol;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>An acknowledged transaction that the pool has let go before a block took it, and why.</summary>
/// <param name="ExpiryHeight">The last height that could have included it; the pool remembers it no longer than that.</param>
public sealed record DroppedTransaction(Hash256 TransactionId, ulong ExpiryHeight, RefusalReason Reason)
{
    /// <summary>What who waits for it is told.</summary>
    public Refusal Refusal => new(Reason, Reason switch
    {
        RefusalReason.NonceGap => "the pool needed its place, since an earlier nonce was missing: send that nonce, then the same bytes again",
        RefusalReason.QuotaExceeded => "the pool needed its place, since its sender had no actions left: send the same bytes in the next window",
        RefusalReason.RegistrationsExceeded => "the pool needed its place, since the window was full: send the same bytes in the next window",
        RefusalReason.NotAnAuthority => "the pool needed its place, since its sender is no validator any more: do not send it again",
        RefusalReason.DroppedByOperator => "an operator has dropped what its sender had waiting: ask them, or use another node",
        _ => "the pool was full, and its sender held the most places: send the same bytes again after the next block",
    });
}
