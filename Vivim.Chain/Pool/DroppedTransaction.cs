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
        RefusalReason.NonceGap => "an earlier nonce of its sender was missing, and the pool needed the place: send the missing nonce, then the same bytes again",
        RefusalReason.QuotaExceeded => "its sender had no actions left in the window, and the pool needed the place: send the same bytes again in the next window",
        RefusalReason.RegistrationsExceeded => "the window had no registrations left, and the pool needed the place: send the same bytes again in the next window",
        RefusalReason.NotAnAuthority => "its sender was no validator any more, and the pool needed the place: only current validators change the validators",
        RefusalReason.DroppedByOperator => "an operator of the node has dropped what its sender had in the pool: ask the operator, or send the same bytes to another node",
        _ => "the pool was full, and its sender held the most places: send the same bytes again after the next block",
    });
}
