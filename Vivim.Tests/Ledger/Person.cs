using System.Text;
using Google.Protobuf;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using Vivim.Protocol.V1;
using V1Follow = Vivim.Protocol.V1.Follow;
using V1Register = Vivim.Protocol.V1.RegisterIdentity;
using V1Unfollow = Vivim.Protocol.V1.Unfollow;

namespace Vivim.Tests.Ledger;

/// <summary>Somebody whose key is made from a name, so that every run signs the same.</summary>
internal sealed class Person
{
    public Person(string name)
    {
        Key = KeyOf(name);
        KeyDid = Did.OfKey(Key.PublicKey);
        Did = DidWith(RotationKeyOf(0));
    }

    public SigningKey Key { get; }

    /// <summary>Sends the registration.</summary>
    public Did KeyDid { get; }

    /// <summary>What the registration creates.</summary>
    public Did Did { get; }

    public static SigningKey KeyOf(string name) => new(Hash256.Of(Encoding.UTF8.GetBytes(name)).Bytes);

    /// <summary>A rotation key; another one makes another DID for the same signing key.</summary>
    public static Did RotationKeyOf(int variant) => Did.OfKey(KeyOf($"rotation {variant}").PublicKey);

    public Did DidWith(Did rotationKey) => Did.OfRegistration(RegistrationWith(rotationKey).ToByteArray());

    public TransactionEnvelope Register(ulong nonce = 0, int variant = 0, string chainId = TestChain.ChainId, ulong expiry = 100) =>
        Sign(new TransactionBody { RegisterIdentity = RegistrationWith(RotationKeyOf(variant)) }, KeyDid, nonce, chainId, expiry);

    public TransactionEnvelope Follow(Did followee, ulong nonce, string chainId = TestChain.ChainId, ulong expiry = 100) =>
        Sign(new TransactionBody { Follow = new V1Follow { Followee = followee.ToString() } }, Did, nonce, chainId, expiry);

    public TransactionEnvelope Unfollow(Did followee, ulong nonce, string chainId = TestChain.ChainId, ulong expiry = 100) =>
        Sign(new TransactionBody { Unfollow = new V1Unfollow { Followee = followee.ToString() } }, Did, nonce, chainId, expiry);

    /// <summary>Proposes, as an authority, another power for a validator.</summary>
    public TransactionEnvelope Propose(Person validator, ulong power, ulong nonce, ulong expiry = 100) =>
        Sign(new TransactionBody { ProposeValidatorChange = new() { Validator = validator.KeyDid.ToString(), Power = power } }, KeyDid, nonce, expiry: expiry);

    /// <summary>Approves, as an authority, what another has proposed in a transaction.</summary>
    public TransactionEnvelope Approve(Person proposer, TransactionEnvelope proposal, ulong nonce, ulong expiry = 100) =>
        Sign(new TransactionBody { ApproveValidatorChange = new() { Proposer = proposer.KeyDid.ToString(), ProposalId = ByteString.CopyFrom(proposal.IdOn(TestChain.ChainId).Bytes) } }, KeyDid, nonce, expiry: expiry);

    /// <summary>Signs two different prevotes, or votes of another type, for one step.</summary>
    public Evidence Equivocate(ulong height, uint round = 0, VoteType type = VoteType.Prevote) => new(
        Vote.Sign(type, height, round, Hash256.Of("one"u8), TestChain.ChainId, Key), Vote.Sign(type, height, round, blockId: null, TestChain.ChainId, Key));

    public TransactionEnvelope Sign(TransactionBody body, Did sender, ulong nonce, string chainId = TestChain.ChainId, ulong expiry = 100)
    {
        (body.ChainId, body.Sender, body.Nonce, body.ExpiryHeight) = (chainId, sender.ToString(), nonce, expiry);
        return TransactionEnvelope.Sign(body, Key);
    }

    public V1Register RegistrationWith(Did rotationKey) => new() { SigningKey = KeyDid.ToString(), RotationKeys = { rotationKey.ToString() } };
}
