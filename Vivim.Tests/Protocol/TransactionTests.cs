using Google.Protobuf;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;
using Vivim.Protocol.V1;
using Vivim.Tests.Ledger;
using RegisterIdentity = Vivim.Protocol.V1.RegisterIdentity;

namespace Vivim.Tests.Protocol;

public sealed class TransactionTests
{
    /// <summary>Everything before the action; fields 1 to 4, the fee left out.</summary>
    private static readonly byte[] Head = HeadOf(nonce: 7);

    private static readonly byte[] Action = Examples.Follow.Body.ToArray()[Head.Length..];

    /// <summary>What no protobuf library writes, or what this version does not know, and how it is refused.</summary>
    public static TheoryData<string, byte[], RefusalReason> OtherBodies => new()
    {
        { "an unknown field after the action", [.. Head, .. Action, 0x78, 0x01], RefusalReason.Malformed },
        { "an unknown field inside the action", [.. Head, 0x5a, 0x43, .. Action[2..], 0x10, 0x01], RefusalReason.Malformed },
        { "the action before the rest", [.. Action, .. Head], RefusalReason.Malformed },
        { "the fee's default written out", [.. Head, 0x28, 0x00, .. Action], RefusalReason.Malformed },
        { "a nonce in too many bytes", [.. HeadOf(nonce: 0)[..^3], 0x18, 0x87, 0x00, 0x20, 0xac, 0x02, .. Action], RefusalReason.Malformed },
        { "a length in too many bytes", [.. Head, 0x5a, 0xc1, 0x00, .. Action[2..]], RefusalReason.Malformed },
        { "a field twice", [.. Head, .. Head, .. Action], RefusalReason.Malformed },
        { "two actions", [.. Head, .. Action, 0x62, 0x41, .. Action[2..]], RefusalReason.Malformed },
        { "text that is not UTF-8", [0x0a, 0x01, 0xff, .. Head[12..], .. Action], RefusalReason.Malformed },
        { "a field of the wrong type", [.. Head, 0x58, 0x01], RefusalReason.UnknownAction },
        { "nothing but an action of the future", [.. Head, 0x7a, 0x02, 0x0a, 0x00], RefusalReason.UnknownAction },
        { "no action", Head, RefusalReason.UnknownAction },
        { "an action cut short", [.. Head, .. Action[..^1]], RefusalReason.Malformed },
        { "an endless group", [.. Head, .. Enumerable.Repeat((byte)0x7b, 1000)], RefusalReason.Malformed },
        { "4,097 bytes", new byte[4097], RefusalReason.TooLarge },
        { "nothing", [], RefusalReason.Malformed },
    };

    public static TheoryData<string, TransactionBody, string> WrongContents
    {
        get
        {
            var (key, did) = (Examples.Alice.KeyDid.ToString(), Examples.Alice.Did.ToString());
            return new()
            {
                { "sender", Body(b => b.Sender = "alice"), "the sender is not a DID" },
                { "chain id left out", Body(b => b.ChainId = ""), "the chain id must have 1 to 50 characters" },
                { "chain id too long", Body(b => b.ChainId = new string('x', 51)), "the chain id must have 1 to 50 characters" },
                { "followee by key", Body(b => b.Follow = new() { Followee = key }), "the followee is not a did:vivim" },
                { "followee left out", Body(b => b.Unfollow = new()), "the followee is not a did:vivim" },
                { "signing key", Body(b => (b.Sender, b.RegisterIdentity) = (did, new RegisterIdentity { SigningKey = did, RotationKeys = { key } })), "the signing key is not a did:key" },
                { "another's registration", Body(b => (b.Sender, b.RegisterIdentity) = (Examples.Bob.KeyDid.ToString(), new RegisterIdentity { SigningKey = key, RotationKeys = { key } })), "a registration is sent by the did:key of its signing key" },
                { "no rotation key", Body(b => (b.Sender, b.RegisterIdentity) = (key, new RegisterIdentity { SigningKey = key })), "an identity has 1 to 5 rotation keys" },
                { "six rotation keys", Body(b => (b.Sender, b.RegisterIdentity) = (key, new RegisterIdentity { SigningKey = key, RotationKeys = { Enumerable.Range(0, 6).Select(i => Person.RotationKeyOf(i).ToString()) } })), "an identity has 1 to 5 rotation keys" },
                { "a rotation key by hash", Body(b => (b.Sender, b.RegisterIdentity) = (key, new RegisterIdentity { SigningKey = key, RotationKeys = { did } })), "a rotation key is not a did:key" },
                { "a rotation key twice", Body(b => (b.Sender, b.RegisterIdentity) = (key, new RegisterIdentity { SigningKey = key, RotationKeys = { key, key } })), "a rotation key is named twice" },
            };
        }
    }

    [Theory]
    [MemberData(nameof(OtherBodies))]
    public void A_body_has_one_encoding(string what, byte[] body, RefusalReason reason)
    {
        Assert.False(Transaction.TryDecode(Examples.Follow with { Body = body }, out _, out var refusal), what);
        Assert.Equal((what, reason), (what, refusal.Reason));
    }

    [Theory]
    [MemberData(nameof(WrongContents))]
    public void Wrong_content_is_named(string what, TransactionBody body, string message)
    {
        Assert.False(Transaction.TryDecode(Examples.Follow with { Body = body.ToByteArray() }, out _, out var refusal), what);
        Assert.Equal((RefusalReason.Malformed, message), (refusal.Reason, refusal.Message));
    }

    [Fact]
    public void The_pieces_that_the_other_bodies_are_made_of_make_a_good_one() =>
        Assert.True(Transaction.TryDecode(Examples.Follow with { Body = (byte[])[.. Head, .. Action] }, out _, out _));

    [Fact]
    public void An_id_covers_chain_and_body_but_not_the_signature()
    {
        var other = Examples.Follow with { Signature = Examples.Registration.Signature };
        Assert.Equal(Examples.Follow.IdOn("a"), other.IdOn("a"));
        Assert.NotEqual(Examples.Follow.IdOn("a"), other.IdOn("b"));
        Assert.NotEqual(Examples.Follow.IdOn("a"), Examples.Registration.IdOn("a"));
        Assert.False(other.SignatureVerifies(TestChain.ChainId));
        Assert.False(Examples.Follow.SignatureVerifies("other"));
        Assert.True(Examples.Follow.SignatureVerifies(TestChain.ChainId));
    }

    [Fact]
    public void A_message_of_other_lengths_makes_no_envelope()
    {
        var message = Examples.Follow.ToMessage();
        Assert.Equal(Examples.Follow, TransactionEnvelope.FromMessage(message));
        Assert.Null(TransactionEnvelope.FromMessage(new SignedTransaction(message) { Signer = ByteString.CopyFrom(new byte[31]) }));
        Assert.Null(TransactionEnvelope.FromMessage(new SignedTransaction(message) { Signature = ByteString.CopyFrom(new byte[65]) }));
        Assert.Null(TransactionEnvelope.FromMessage(new SignedTransaction(message) { Body = ByteString.CopyFrom(new byte[4097]) }));
        Assert.Null(TransactionEnvelope.FromMessage(new SignedTransaction()));
    }

    [Fact]
    public void Names_reach_clients_in_upper_snake_case()
    {
        Assert.Equal("NONCE_STALE", Refusal.CodeOf(RefusalReason.NonceStale));
        Assert.Equal("ALREADY_FOLLOWING", Examples.Receipt.CodeName);
        Assert.Equal("OK", (Examples.Receipt with { Code = ReceiptCode.Ok }).CodeName);
        Assert.Equal("IDENTITY_REGISTERED", (Examples.Event with { Type = LedgerEventType.IdentityRegistered }).TypeName);
    }

    private static byte[] HeadOf(ulong nonce) => new TransactionBody { ChainId = TestChain.ChainId, Sender = Examples.Alice.Did.ToString(), Nonce = nonce, ExpiryHeight = 300 }.ToByteArray();

    private static TransactionBody Body(System.Action<TransactionBody> change)
    {
        var body = TransactionBody.Parser.ParseFrom(Examples.Follow.Body.Span);
        change(body);
        return body;
    }
}
