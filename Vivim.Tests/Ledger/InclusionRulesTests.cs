using FsCheck.Xunit;
using Vivim.Ledger.Execution;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;
using Vivim.Protocol.V1;

namespace Vivim.Tests.Ledger;

public sealed class InclusionRulesTests
{
    private static readonly Person Alice = new("alice");
    private static readonly Person Bob = new("bob");
    private static readonly Person Carol = new("carol");

    /// <summary>At height 3 of a chain where Alice, with nonce 1, and Bob are registered.</summary>
    public static TheoryData<string, TransactionEnvelope, RefusalReason?, string> Cases => new()
    {
        { "as it should be", Alice.Follow(Bob.Did, 1), null, "" },
        { "another chain", Alice.Follow(Bob.Did, 1, chainId: "another"), RefusalReason.WrongChain, "for 'another', this chain is 'vivim-test'" },
        { "a used nonce", Alice.Follow(Bob.Did, 0), RefusalReason.NonceStale, "nonce 0 is used, the next is 1" },
        { "a nonce left out", Alice.Follow(Bob.Did, 2), RefusalReason.NonceGap, "the next is 1" },
        { "the largest nonce", Alice.Follow(Bob.Did, ulong.MaxValue), RefusalReason.NonceGap, "the next is 1" },
        { "expired", Alice.Follow(Bob.Did, 1, expiry: 2), RefusalReason.Expired, "the next block is 3" },
        { "in its last height", Alice.Follow(Bob.Did, 1, expiry: 3), null, "" },
        { "the latest expiry", Alice.Follow(Bob.Did, 1, expiry: 10_003), null, "" },
        { "expiry too far", Alice.Follow(Bob.Did, 1, expiry: 10_004), RefusalReason.ExpiryTooFar, "at most 10003" },
        { "no expiry", Alice.Follow(Bob.Did, 1, expiry: 0), RefusalReason.Expired, "expired at height 0" },
        { "endless", Alice.Follow(Bob.Did, 1, expiry: ulong.MaxValue), RefusalReason.ExpiryTooFar, "at most 10003" },
        { "a fee", Alice.Sign(new TransactionBody { Fee = 1, Follow = new() { Followee = Bob.Did.ToString() } }, Alice.Did, 1), RefusalReason.FeeNotZero, "set it to 0" },
        { "an unknown sender", Carol.Follow(Bob.Did, 0), RefusalReason.SenderUnknown, "is not registered" },
        { "a follow by did:key", Alice.Sign(new TransactionBody { Follow = new() { Followee = Bob.Did.ToString() } }, Alice.KeyDid, 1), RefusalReason.SenderUnknown, "a did:key may only register" },
        { "another's signature", Bob.Sign(new TransactionBody { Follow = new() { Followee = Bob.Did.ToString() } }, Alice.Did, 1), RefusalReason.SignerNotAuthorized, "not the signing key of" },
        { "a registration signed by another", Bob.Sign(new TransactionBody { RegisterIdentity = Carol.RegistrationWith(Person.RotationKeyOf(0)) }, Carol.KeyDid, 0), RefusalReason.SignerNotAuthorized, "not the signing key of" },
        { "a proposal by anybody", Alice.Propose(Bob, 1, 1), RefusalReason.NotAnAuthority, "is not the did:key of a current validator" },
        { "a proposal by a did:vivim", Alice.Sign(new TransactionBody { ProposeValidatorChange = new() { Validator = Bob.KeyDid.ToString() } }, Alice.Did, 1), RefusalReason.NotAnAuthority, "is not the did:key of a current validator" },
        { "an approval by anybody", Alice.Approve(Bob, Bob.Register(), 1), RefusalReason.NotAnAuthority, "only those change the validators" },
        { "a proposal by an authority", new Person("validator").Propose(Bob, 1, 0), null, "" },
        { "a follow by an authority", new Person("validator").Sign(new TransactionBody { Follow = new() { Followee = Bob.Did.ToString() } }, new Person("validator").KeyDid, 0), RefusalReason.SenderUnknown, "a did:key may only register" },
        { "a second registration", Alice.Register(nonce: 1), null, "" },
        { "a new person", Carol.Register(), null, "" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_rule_has_its_reason(string what, TransactionEnvelope envelope, RefusalReason? reason, string sentence)
    {
        var chain = new TestChain();
        chain.Commit(Alice.Register(), Bob.Register());
        chain.Commit(Alice.Follow(Bob.Did, 0));
        var refusal = Rules(chain).TryInclude(TestChain.Decode(envelope));
        Assert.Equal((what, reason), (what, refusal?.Reason));
        Assert.Contains(sentence, refusal?.Message ?? "", StringComparison.Ordinal);

        // What may not be included makes a block invalid and is left out of one that is made.
        var problem = chain.Ledger.Validate(chain.Make(envelope), static _ => true);
        Assert.Equal(refusal is null ? null : $"transaction 0 may not be included: {refusal.Code}: {refusal.Message}", problem);
        Assert.Equal(refusal is null ? 1 : 0, chain.Assemble([envelope]).Transactions.Count);
    }

    [Fact]
    public void A_person_may_send_only_after_the_block_of_the_registration()
    {
        var chain = new TestChain();
        var block = chain.Assemble([Alice.Register(), Alice.Follow(Alice.Did, 0)]);
        Assert.Equal([Alice.Register()], block.Transactions);
    }

    [Fact]
    public void A_body_longer_than_the_chain_allows_is_refused()
    {
        var chain = new TestChain(new ChainParameters { MaxTransactionBytes = 512 });
        var registration = Alice.RegistrationWith(Person.RotationKeyOf(0));
        registration.RotationKeys.Add(Enumerable.Range(1, 4).Select(i => Person.RotationKeyOf(i).ToString()));
        var body = new TransactionBody { RegisterIdentity = registration };
        var envelope = Alice.Sign(body, Alice.KeyDid, 0);
        Assert.InRange(envelope.Body.Length, 400, 512);
        Assert.Null(Rules(chain).TryInclude(TestChain.Decode(envelope)));
        var tight = new ChainParameters { MaxTransactionBytes = (uint)envelope.Body.Length - 1 };
        Assert.Equal(RefusalReason.TooLarge, InclusionRules.CheckAlone(TestChain.Decode(envelope), new SenderState(AccountRecord.Empty, Alice.Key.PublicKey, IsAuthority: false), TestChain.ChainId, 1, tight)?.Reason);
    }

    [Fact]
    public void Two_thousand_actions_fit_a_window_and_the_next_window_starts_anew()
    {
        var chain = new TestChain();
        chain.Commit(Alice.Register());
        Assert.Equal(2_000, Failures(chain, from: 0, wanted: 2_001).Count);
        chain.Commit(Failures(chain, from: 0, wanted: 1_500));
        Assert.Equal(500, Failures(chain, from: 1_500, wanted: 600).Count);
        chain.Commit(Failures(chain, from: 1_500, wanted: 500));
        while (chain.NextHeight < 100)
        {
            var refusal = Rules(chain).TryInclude(TestChain.Decode(Alice.Follow(Alice.Did, 2_000)));
            Assert.Equal((RefusalReason.QuotaExceeded, "2000 actions per 100 heights are used up: send again from height 100"), (refusal!.Reason, refusal.Message));
            chain.Commit();
        }

        Assert.Equal(2_000, Failures(chain, from: 2_000, wanted: 2_001).Count);
    }

    [Fact]
    public void Registrations_are_capped_for_the_whole_chain_failed_ones_too()
    {
        var chain = new TestChain(new ChainParameters { MaxRegistrations = 3, QuotaWindowHeights = 4 });
        Assert.Equal([ReceiptCode.Ok, ReceiptCode.IdentityExists], chain.Commit(Alice.Register(), Alice.Register(nonce: 1)).Receipts.Select(r => r.Code));
        Assert.Equal([Bob.Register()], chain.Assemble([Bob.Register(), Carol.Register()]).Transactions);
        chain.Commit(Bob.Register());
        var refusal = Rules(chain).TryInclude(TestChain.Decode(Carol.Register()));
        Assert.Equal((RefusalReason.RegistrationsExceeded, "the chain takes 3 registrations per 4 heights: send again from height 4"), (refusal!.Reason, refusal.Message));
        chain.Commit();
        Assert.Equal([Carol.Register()], chain.Assemble([Carol.Register()]).Transactions);
    }

    [Property(MaxTest = 30)]
    public void No_block_that_is_made_is_refused(int seed, int time, byte limit)
    {
        var traffic = new RandomTraffic(seed);
        var chain = new TestChain(RandomTraffic.TightParameters with { MaxBlockTransactions = 1 + (uint)limit % 8 }, validators: TestChain.Validators(5));
        for (var i = 0; i < 10; i++)
        {
            var candidates = traffic.Next(chain.NextHeight, most: 30);
            var block = chain.Ledger.Assemble(candidates.Select(TestChain.Decode), traffic.NextEvidence(chain.NextHeight), round: (uint)i, time: time * 1_000_000L, chain.Ledger.Tip.Proposers.Proposer((uint)i));
            traffic.Included(block.Transactions.Select(TestChain.Decode));
            Assert.Null(chain.Ledger.Validate(block, static _ => false));
            Assert.InRange(block.Transactions.Count, 0, (int)chain.Genesis.Parameters.MaxBlockTransactions);
            chain.Commit(block);
        }
    }

    [Fact]
    public void A_block_stops_at_its_size()
    {
        var chain = new TestChain(new ChainParameters { MaxBlockBytes = 65_536 });
        chain.Commit(Alice.Register());
        var block = chain.Assemble(Enumerable.Range(0, 500).Select(nonce => Alice.Follow(Alice.Did, (ulong)nonce)));
        Assert.InRange(block.Transactions.Sum(t => t.Size), 65_000, 65_536);
        Assert.Null(chain.Ledger.Validate(block, static _ => false));
        var over = chain.Make([.. block.Transactions, Alice.Follow(Alice.Did, (ulong)block.Transactions.Count)]);
        Assert.Contains("at most 65536 are allowed", chain.Ledger.Validate(over, static _ => false), StringComparison.Ordinal);
    }

    /// <summary>As many self-follows as may be included at the next height.</summary>
    private static List<TransactionEnvelope> Failures(TestChain chain, int from, int wanted)
    {
        var rules = Rules(chain);
        return [.. Enumerable.Range(from, wanted).Select(nonce => Alice.Follow(Alice.Did, (ulong)nonce, expiry: 150)).TakeWhile(envelope => rules.TryInclude(TestChain.Decode(envelope)) is null)];
    }

    private static InclusionRules Rules(TestChain chain) => new(chain.Ledger.State, TestChain.ChainId, chain.NextHeight, chain.Genesis.Parameters, chain.Ledger.Tip.Validators);
}
