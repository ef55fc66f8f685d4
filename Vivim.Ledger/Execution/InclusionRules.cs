using Vivim.Ledger.State;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Execution;

/// <summary>What the rules need to know of a sender: the account, the key that may sign, null when nobody is registered there, and whether it is an authority's.</summary>
public readonly record struct SenderState(AccountRecord Account, PublicKey? SigningKey, bool IsAuthority)
{
    /// <param name="authorities">The validators of the height that is to include what is sent.</param>
    public static SenderState Read(IStateReader state, in Did sender, ValidatorSet authorities)
    {
        var account = state.Get(StateKey.Account(sender)) is { } bytes ? AccountRecord.FromBytes(bytes) : AccountRecord.Empty;
        if (sender.Method == DidMethod.Key) return new SenderState(account, sender.Key, authorities.IndexOf(sender.Key) >= 0);
        return new SenderState(account, state.Get(StateKey.Identity(sender)) is { } identity ? IdentityRecord.FromBytes(identity).SigningKey : null, IsAuthority: false);
    }
}

/// <summary>
/// Which transactions a block at a height may include, judged against the parent's state and the block's own earlier transactions only,
/// never by executing (DESIGN §5). The block maker selects with it and every validator checks with it, so they cannot differ.
/// Signatures are not looked at here.
/// </summary>
public sealed class InclusionRules
{
    private readonly Dictionary<Did, Sender> senders = [];
    private readonly IStateReader parent;
    private readonly string chainId;
    private readonly ulong height;
    private readonly ChainParameters parameters;
    private readonly ValidatorSet authorities;
    private uint registrationsLeft;

    /// <param name="parent">The state after the parent block.</param>
    /// <param name="height">The height of the block to be.</param>
    /// <param name="authorities">The validators of that height.</param>
    public InclusionRules(IStateReader parent, string chainId, ulong height, ChainParameters parameters, ValidatorSet authorities)
    {
        this.authorities = authorities;
        this.parent = parent;
        this.chainId = chainId;
        this.height = height;
        this.parameters = parameters;
        registrationsLeft = RegistrationCount.Read(parent).LeftAt(height, parameters);
    }

    private sealed record Sender(SenderState State, ulong NextNonce, uint QuotaLeft);

    /// <summary>
    /// The checks that do not depend on other waiting transactions; the pool makes them too.
    /// </summary>
    /// <param name="nextHeight">The lowest height that could include the transaction.</param>
    public static Refusal? CheckAlone(Transaction transaction, SenderState sender, string chainId, ulong nextHeight, ChainParameters parameters)
    {
        if (transaction.ChainId != chainId) return new Refusal(RefusalReason.WrongChain, $"the transaction is for '{transaction.ChainId}', this chain is '{chainId}'");
        if (transaction.Envelope.Body.Length > parameters.MaxTransactionBytes) return new Refusal(RefusalReason.TooLarge, $"the body has {transaction.Envelope.Body.Length} bytes, at most {parameters.MaxTransactionBytes} are allowed");
        if (transaction.Fee != 0) return new Refusal(RefusalReason.FeeNotZero, "rules-version 1 takes no fee: set it to 0");
        if (transaction.ExpiryHeight < nextHeight) return new Refusal(RefusalReason.Expired, $"it expired at height {transaction.ExpiryHeight}, the next block is {nextHeight}: sign it again with a later expiry");
        if (transaction.ExpiryHeight - nextHeight > parameters.MaxExpiryAhead) return new Refusal(RefusalReason.ExpiryTooFar, $"it expires at height {transaction.ExpiryHeight}, at most {nextHeight + parameters.MaxExpiryAhead} is allowed");
        if (transaction.Action is AuthorityAction && !sender.IsAuthority) return new Refusal(RefusalReason.NotAnAuthority, $"{transaction.Sender} is not the did:key of a current validator: only those change the validators");
        if (transaction.Sender.Method == DidMethod.Key && transaction.Action is not (RegisterIdentity or AuthorityAction)) return new Refusal(RefusalReason.SenderUnknown, "a did:key may only register, or act as an authority: register, then send as the did:vivim");
        if (transaction.Sender.Method == DidMethod.Vivim && transaction.Action is RegisterIdentity) return new Refusal(RefusalReason.Malformed, "a registration is sent by a did:key");
        if (sender.SigningKey is not { } key) return new Refusal(RefusalReason.SenderUnknown, $"{transaction.Sender} is not registered: register, wait for the receipt, then send");
        if (transaction.Envelope.Signer != key) return new Refusal(RefusalReason.SignerNotAuthorized, $"the signer is not the signing key of {transaction.Sender}");
        return null;
    }

    /// <summary>Takes the next transaction of the block, or says why it cannot be there; then nothing has changed.</summary>
    public Refusal? TryInclude(Transaction transaction)
    {
        if (!senders.TryGetValue(transaction.Sender, out var sender))
        {
            var state = SenderState.Read(parent, transaction.Sender, authorities);
            sender = new Sender(state, state.Account.Nonce, state.Account.QuotaLeft(height, parameters.QuotaWindowHeights, parameters.QuotaActions));
        }

        if (CheckAlone(transaction, sender.State, chainId, height, parameters) is { } refusal) return refusal;
        if (transaction.Nonce < sender.NextNonce) return new Refusal(RefusalReason.NonceStale, $"nonce {transaction.Nonce} is used, the next is {sender.NextNonce}");
        if (transaction.Nonce > sender.NextNonce) return new Refusal(RefusalReason.NonceGap, $"nonce {transaction.Nonce} does not follow: the next is {sender.NextNonce}");
        if (sender.QuotaLeft == 0) return QuotaExceeded(height, parameters);
        if (transaction.Action is RegisterIdentity)
        {
            if (registrationsLeft == 0) return RegistrationsExceeded(height, parameters);
            registrationsLeft--;
        }

        senders[transaction.Sender] = sender with { NextNonce = sender.NextNonce + 1, QuotaLeft = sender.QuotaLeft - 1 };
        return null;
    }

    /// <summary>The refusal of a sender without quota, naming the height at which there is some again.</summary>
    public static Refusal QuotaExceeded(ulong height, ChainParameters parameters) =>
        new(RefusalReason.QuotaExceeded, $"{parameters.QuotaActions} actions per {parameters.QuotaWindowHeights} heights are used up: send again from height {NextWindow(height, parameters)}");

    /// <summary>The refusal of a registration too many, naming the height at which there are some again.</summary>
    public static Refusal RegistrationsExceeded(ulong height, ChainParameters parameters) =>
        new(RefusalReason.RegistrationsExceeded, $"the chain takes {parameters.MaxRegistrations} registrations per {parameters.QuotaWindowHeights} heights: send again from height {NextWindow(height, parameters)}");

    /// <summary>The first height of the next quota window.</summary>
    public static ulong NextWindow(ulong height, ChainParameters parameters) => (height / parameters.QuotaWindowHeights + 1) * parameters.QuotaWindowHeights;
}
