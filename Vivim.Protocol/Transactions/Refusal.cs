namespace Vivim.Protocol.Transactions;

/// <summary>Why a transaction cannot be included. The names, in upper snake case, are the reasons a gRPC client sees.</summary>
public enum RefusalReason
{
    /// <summary>Not a canonical envelope or body. Build it with a client library.</summary>
    Malformed,

    /// <summary>The body is longer than the chain's limit.</summary>
    TooLarge,

    /// <summary>Made for another chain id.</summary>
    WrongChain,

    /// <summary>The body names no action that these rules know. Upgrade the node, or use an older client.</summary>
    UnknownAction,

    /// <summary>The signature does not verify, or the key is of small order.</summary>
    BadSignature,

    /// <summary>The sender is not registered (yet). Register, wait for the receipt, then send.</summary>
    SenderUnknown,

    /// <summary>The signer is not a key of the sender.</summary>
    SignerNotAuthorized,

    /// <summary>Only the did:key of a current validator may do this.</summary>
    NotAnAuthority,

    /// <summary>The nonce is used. Ask for the account's next nonce.</summary>
    NonceStale,

    /// <summary>Another transaction with this nonce is waiting in the pool.</summary>
    NonceConflict,

    /// <summary>The nonce is too far beyond the committed one. Wait for commits.</summary>
    NonceTooFar,

    /// <summary>The nonce does not follow the sender's last: a block cannot have it, and only few such wait in a pool. Send the missing nonce first.</summary>
    NonceGap,

    /// <summary>The expiry height has passed.</summary>
    Expired,

    /// <summary>The expiry height is further ahead than the chain allows.</summary>
    ExpiryTooFar,

    /// <summary>Rules-version 1 takes no fee.</summary>
    FeeNotZero,

    /// <summary>The sender has used up its actions of this window. Wait for the next window.</summary>
    QuotaExceeded,

    /// <summary>The whole chain's registrations of this window are used up. Wait for the next window.</summary>
    RegistrationsExceeded,

    /// <summary>The pool is full, and other senders hold no more of it. Send again later.</summary>
    PoolFull,

    /// <summary>The sender's network address has had its share of the window's registrations. Wait for the next window.</summary>
    RegistrationsLimited,

    /// <summary>An operator of the node has dropped what the sender had in its pool.</summary>
    DroppedByOperator,
}

/// <summary>A refusal with a sentence for the person who sent the transaction.</summary>
public sealed record Refusal(RefusalReason Reason, string Message)
{
    /// <summary>What clients are told instead of a reason when the pool has not answered: it may have taken the transaction or not, and the same bytes may be sent again.</summary>
    public const string OutcomeUnknown = "OUTCOME_UNKNOWN";

    /// <summary>The reason as clients see it: upper snake case.</summary>
    public string Code => CodeOf(Reason);

    /// <summary>Upper snake case, e.g. NONCE_STALE.</summary>
    public static string CodeOf(RefusalReason reason) => UpperSnakeCase.Of(reason.ToString());
}
