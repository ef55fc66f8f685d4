using Google.Protobuf;
using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Client;

/// <summary>
/// A key and the DID it registers, acting through one client: builds, signs, submits and waits for the receipt. One action at a time;
/// for many at once build them with <see cref="Sign"/>. Does not own the key.
/// </summary>
public sealed class Person
{
    /// <summary>Heights from now until a transaction expires unless the caller says otherwise.</summary>
    public const ulong DefaultExpiry = 1_000;

    /// <summary>The code of a receipt whose action was carried out.</summary>
    public const string Succeeded = "OK";

    private readonly VivimClient client;
    private readonly SigningKey key;

    internal Person(VivimClient client, SigningKey key)
    {
        this.client = client;
        this.key = key;
        KeyDid = Did.OfKey(key.PublicKey);
        Did = DidOf(key.PublicKey);
    }

    /// <summary>The did:vivim that <see cref="RegisterAsync"/> creates.</summary>
    public Did Did { get; }

    /// <summary>The did:key of the signing key.</summary>
    public Did KeyDid { get; }

    /// <summary>The registration of a key that is its own and only rotation key.</summary>
    public static V1.RegisterIdentity Registration(PublicKey key)
    {
        var did = Did.OfKey(key).ToString();
        return new V1.RegisterIdentity { SigningKey = did, RotationKeys = { did } };
    }

    /// <summary>The did:vivim that a key's <see cref="Registration"/> creates. Needs no node.</summary>
    public static Did DidOf(PublicKey key) => Did.OfRegistration(Registration(key).ToByteArray());

    /// <summary>Registers <see cref="Did"/> and waits for the receipt.</summary>
    /// <exception cref="VivimException">Refused, or failed with e.g. IDENTITY_EXISTS.</exception>
    public Task<V1.Receipt> RegisterAsync(CancellationToken cancellationToken = default) =>
        ExecuteNextAsync(KeyDid, new V1.TransactionBody { RegisterIdentity = Registration(key.PublicKey) }, cancellationToken);

    /// <summary>
    /// As an authority, asks for another power of a validator, and waits for the receipt; its transaction id is the proposal's. Counts as
    /// an approval.
    /// </summary>
    /// <param name="validator">Its did:key.</param>
    /// <param name="power">0 removes it.</param>
    /// <exception cref="VivimException">Refused with e.g. NOT_AN_AUTHORITY, or failed with CHANGE_IMPOSSIBLE.</exception>
    public Task<V1.Receipt> ProposeValidatorChangeAsync(Did validator, ulong power, CancellationToken cancellationToken = default) =>
        ExecuteNextAsync(KeyDid, new V1.TransactionBody { ProposeValidatorChange = new V1.ProposeValidatorChange { Validator = validator.ToString(), Power = power } }, cancellationToken);

    /// <summary>As an authority, approves what another one, a did:key, has proposed, and waits for the receipt.</summary>
    /// <exception cref="VivimException">Refused with e.g. NOT_AN_AUTHORITY, or failed with e.g. PROPOSAL_UNKNOWN.</exception>
    public Task<V1.Receipt> ApproveValidatorChangeAsync(Did proposer, Hash256 proposalId, CancellationToken cancellationToken = default) =>
        ExecuteNextAsync(KeyDid, new V1.TransactionBody { ApproveValidatorChange = new V1.ApproveValidatorChange { Proposer = proposer.ToString(), ProposalId = ByteString.CopyFrom(proposalId.Bytes) } }, cancellationToken);

    /// <summary>Follows a did:vivim and waits for the receipt.</summary>
    /// <exception cref="VivimException">Refused, or failed with e.g. ALREADY_FOLLOWING.</exception>
    public Task<V1.Receipt> FollowAsync(Did followee, CancellationToken cancellationToken = default) =>
        ExecuteNextAsync(Did, new V1.TransactionBody { Follow = new V1.Follow { Followee = followee.ToString() } }, cancellationToken);

    /// <summary>No longer follows a did:vivim; waits for the receipt.</summary>
    /// <exception cref="VivimException">Refused, or failed with e.g. NOT_FOLLOWING.</exception>
    public Task<V1.Receipt> UnfollowAsync(Did followee, CancellationToken cancellationToken = default) =>
        ExecuteNextAsync(Did, new V1.TransactionBody { Unfollow = new V1.Unfollow { Followee = followee.ToString() } }, cancellationToken);

    /// <summary>Signs a body as it is. Chain id, sender, nonce and expiry are the caller's.</summary>
    public TransactionEnvelope Sign(V1.TransactionBody body) => TransactionEnvelope.Sign(body, key);

    private async Task<V1.Receipt> ExecuteNextAsync(Did sender, V1.TransactionBody body, CancellationToken cancellationToken)
    {
        var account = await client.GetAccountAsync(sender, cancellationToken);
        body.Sender = sender.ToString();
        body.Nonce = account.Nonce;
        return await ExecuteAsync(body, cancellationToken);
    }

    private async Task<V1.Receipt> ExecuteAsync(V1.TransactionBody body, CancellationToken cancellationToken)
    {
        var status = await client.GetStatusAsync(cancellationToken);
        body.ChainId = status.ChainId;
        body.ExpiryHeight = status.Height + DefaultExpiry;
        var envelope = Sign(body);
        var answer = await client.SubmitAsync(envelope, cancellationToken);
        var receipt = answer.Receipt ?? await client.AwaitReceiptAsync(envelope.IdOn(body.ChainId), cancellationToken);
        return receipt.Code == Succeeded ? receipt : throw new VivimException(receipt.Code, WhyFailed(receipt));
    }

    private static string WhyFailed(V1.Receipt receipt) => receipt.Code switch
    {
        "IDENTITY_EXISTS" or "KEY_IN_USE" => "this key is registered already; make another one to be another person",
        "FOLLOWEE_UNKNOWN" => "the person to follow is not registered; they register first",
        "SELF_FOLLOW" => "nobody follows themselves; name somebody else",
        "ALREADY_FOLLOWING" => "you follow this person already; there is nothing left to do",
        "NOT_FOLLOWING" => "you do not follow this person; there is nothing to undo",
        "CHANGE_IMPOSSIBLE" => "the validators cannot be changed so: it is so already, nobody would be left, or there would be too many or too much power",
        "PROPOSAL_UNKNOWN" => "that authority has no such open proposal; see: vivim validators list",
        "ALREADY_APPROVED" => "you have approved this proposal already; there is nothing left to do",
        _ => $"transaction {receipt.TransactionId} is in block {receipt.Height}, but failed with {receipt.Code}",
    };
}
