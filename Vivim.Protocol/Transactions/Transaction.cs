using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Protocol.Transactions;

/// <summary>What a transaction asks for.</summary>
public abstract record TransactionAction;

/// <summary>Creates <paramref name="Identity"/>, which <paramref name="SigningKey"/> signs for.</summary>
public sealed record RegisterIdentity(Did Identity, PublicKey SigningKey, IReadOnlyList<PublicKey> RotationKeys) : TransactionAction
{
    /// <summary>An identity has at least one and at most this many rotation keys.</summary>
    public const int MaxRotationKeys = 5;
}

/// <summary>The sender follows <paramref name="Followee"/> from now on.</summary>
public sealed record Follow(Did Followee) : TransactionAction;

/// <summary>The sender no longer follows <paramref name="Followee"/>.</summary>
public sealed record Unfollow(Did Followee) : TransactionAction;

/// <summary>An action of an authority: sent by the did:key of a current validator.</summary>
public abstract record AuthorityAction : TransactionAction;

/// <summary>The sender asks the authorities to give <paramref name="Validator"/> this voting power; 0 removes it. Replaces the sender's open proposal.</summary>
public sealed record ProposeValidatorChange(PublicKey Validator, ulong Power) : AuthorityAction;

/// <summary>The sender agrees to the open proposal of <paramref name="Proposer"/>, the id of its transaction being <paramref name="ProposalId"/>.</summary>
public sealed record ApproveValidatorChange(PublicKey Proposer, Hash256 ProposalId) : AuthorityAction;

/// <summary>A decoded transaction. Decoding checks form only: neither the signature nor any state.</summary>
public sealed record Transaction(TransactionEnvelope Envelope, Hash256 Id, string ChainId, Did Sender, ulong Nonce, ulong ExpiryHeight, ulong Fee, TransactionAction Action)
{
    /// <summary>Chain ids have at most this many characters.</summary>
    public const int MaxChainIdLength = 50;

    private static readonly MessageParser<V1.TransactionBody> Parser = V1.TransactionBody.Parser.WithDiscardUnknownFields(true);

    /// <summary>Decodes an envelope's body, which must be canonical (transaction.proto says how).</summary>
    /// <returns>False with a refusal: malformed, too large, or an unknown action.</returns>
    public static bool TryDecode(TransactionEnvelope envelope, [NotNullWhen(true)] out Transaction? transaction, [NotNullWhen(false)] out Refusal? refusal)
    {
        transaction = null;
        refusal = null;
        if (envelope.Body.Length > TransactionEnvelope.MaxBodySize)
        {
            refusal = new Refusal(RefusalReason.TooLarge, $"the body has {envelope.Body.Length} bytes, at most {TransactionEnvelope.MaxBodySize} are allowed");
            return false;
        }

        V1.TransactionBody body;
        try
        {
            body = Parser.ParseFrom(envelope.Body.Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            refusal = Malformed($"the body is not a TransactionBody: {e.Message}");
            return false;
        }

        if (!IsCanonical(body, envelope.Body.Span))
        {
            refusal = body.ActionCase == V1.TransactionBody.ActionOneofCase.None
                ? new Refusal(RefusalReason.UnknownAction, "the body has an action, or a field, that this version does not know")
                : Malformed("the body is not the canonical encoding of its content: fields must be in ascending order, without defaults or unknown fields");
            return false;
        }

        refusal = Check(body, out var sender, out var action);
        if (refusal is not null) return false;
        transaction = new Transaction(envelope, envelope.IdOn(body.ChainId), body.ChainId, sender, body.Nonce, body.ExpiryHeight, body.Fee, action!);
        return true;
    }

    private static bool IsCanonical(V1.TransactionBody body, ReadOnlySpan<byte> received)
    {
        var size = body.CalculateSize();
        if (size != received.Length) return false;
        Span<byte> encoded = stackalloc byte[size];
        body.WriteTo(encoded);
        return encoded.SequenceEqual(received);
    }

    private static Refusal? Check(V1.TransactionBody body, out Did sender, out TransactionAction? action)
    {
        action = null;
        if (!Did.TryParse(body.Sender, out sender)) return Malformed("the sender is not a DID");
        if (body.ChainId.Length is 0 or > MaxChainIdLength) return Malformed($"the chain id must have 1 to {MaxChainIdLength} characters");
        return body.ActionCase switch
        {
            V1.TransactionBody.ActionOneofCase.RegisterIdentity => CheckRegistration(body.RegisterIdentity, sender, out action),
            V1.TransactionBody.ActionOneofCase.Follow => CheckFollowee(body.Follow.Followee, static d => new Follow(d), out action),
            V1.TransactionBody.ActionOneofCase.Unfollow => CheckFollowee(body.Unfollow.Followee, static d => new Unfollow(d), out action),
            V1.TransactionBody.ActionOneofCase.ProposeValidatorChange => CheckChange(body.ProposeValidatorChange, out action),
            V1.TransactionBody.ActionOneofCase.ApproveValidatorChange => CheckApproval(body.ApproveValidatorChange, out action),
            _ => new Refusal(RefusalReason.UnknownAction, "the body names no action"),
        };
    }

    private static Refusal? CheckFollowee(string text, Func<Did, TransactionAction> make, out TransactionAction? action)
    {
        action = null;
        if (!Did.TryParse(text, out var followee) || followee.Method != DidMethod.Vivim) return Malformed("the followee is not a did:vivim");
        action = make(followee);
        return null;
    }

    private static Refusal? CheckChange(V1.ProposeValidatorChange message, out TransactionAction? action)
    {
        action = null;
        if (!Did.TryParse(message.Validator, out var validator) || validator.Method != DidMethod.Key) return Malformed("the validator is not a did:key");
        if (!validator.Key.CanVerify) return Malformed("the validator is a key that can sign nothing");
        action = new ProposeValidatorChange(validator.Key, message.Power);
        return null;
    }

    private static Refusal? CheckApproval(V1.ApproveValidatorChange message, out TransactionAction? action)
    {
        action = null;
        if (!Did.TryParse(message.Proposer, out var proposer) || proposer.Method != DidMethod.Key) return Malformed("the proposer is not a did:key");
        if (message.ProposalId.Length != Hash256.Size) return Malformed($"the proposal id has {message.ProposalId.Length} bytes, not {Hash256.Size}");
        action = new ApproveValidatorChange(proposer.Key, new Hash256(message.ProposalId.Span));
        return null;
    }

    private static Refusal? CheckRegistration(V1.RegisterIdentity message, Did sender, out TransactionAction? action)
    {
        action = null;
        if (!Did.TryParse(message.SigningKey, out var signing) || signing.Method != DidMethod.Key) return Malformed("the signing key is not a did:key");
        if (sender != signing) return Malformed("a registration is sent by the did:key of its signing key");
        if (message.RotationKeys.Count is 0 or > RegisterIdentity.MaxRotationKeys) return Malformed($"an identity has 1 to {RegisterIdentity.MaxRotationKeys} rotation keys");
        var rotation = new List<PublicKey>(message.RotationKeys.Count);
        foreach (var text in message.RotationKeys)
        {
            if (!Did.TryParse(text, out var did) || did.Method != DidMethod.Key) return Malformed("a rotation key is not a did:key");
            if (rotation.Contains(did.Key)) return Malformed("a rotation key is named twice");
            rotation.Add(did.Key);
        }

        action = new RegisterIdentity(Did.OfRegistration(message.ToByteArray()), signing.Key, rotation);
        return null;
    }

    private static Refusal Malformed(string message) => new(RefusalReason.Malformed, message);
}
