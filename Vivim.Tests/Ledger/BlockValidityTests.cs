using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Protocol;

namespace Vivim.Tests.Ledger;

public sealed class BlockValidityTests
{
    private static readonly Person Alice = new("alice");
    private static readonly Person Bob = new("bob");

    /// <summary>A change to each field of a header, alone, and what the refusal says.</summary>
    public static TheoryData<string, Func<BlockHeader, BlockHeader>, string> Changes => new()
    {
        { nameof(BlockHeader.Version), h => h with { Version = 2 }, "version 2" },
        { nameof(BlockHeader.RulesVersion), h => h with { RulesVersion = 2 }, "rules-version 2" },
        { nameof(BlockHeader.ChainId), h => h with { ChainId = "another" }, "chain id 'another'" },
        { nameof(BlockHeader.Height), h => h with { Height = h.Height + 1 }, "height 4" },
        { nameof(BlockHeader.Time), h => h with { Time = h.Time - 1_000 }, "is not later than its parent's" },
        { nameof(BlockHeader.Parent), h => h with { Parent = Hash256.Zero }, "parent" },
        { nameof(BlockHeader.TransactionRoot), h => h with { TransactionRoot = Hash256.Zero }, "transaction root" },
        { nameof(BlockHeader.ValidatorSetHash), h => h with { ValidatorSetHash = Hash256.Zero }, "validator sets" },
        { nameof(BlockHeader.NextValidatorSetHash), h => h with { NextValidatorSetHash = Hash256.Zero }, "validator sets" },
        { nameof(BlockHeader.Proposer), h => h with { Proposer = Alice.Key.PublicKey }, "is not that of round 0" },
        { nameof(BlockHeader.EvidenceRoot), h => h with { EvidenceRoot = Hash256.Zero }, "evidence root" },
        { nameof(BlockHeader.Round), h => h with { Round = 10_001 }, "its round 10001 is above 10000" },
        { nameof(BlockHeader.ParentCertificateHash), h => h with { ParentCertificateHash = Hash256.Zero }, "parent certificate hash" },
        { nameof(BlockHeader.StateRoot), h => h with { StateRoot = Hash256.Zero }, "state root" },
        { nameof(BlockHeader.ReceiptRoot), h => h with { ReceiptRoot = Hash256.Zero }, "receipt root" },
        { nameof(BlockHeader.EventRoot), h => h with { EventRoot = Hash256.Zero }, "event root" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_header_changed_in_one_field_is_refused(string field, Func<BlockHeader, BlockHeader> change, string sentence)
    {
        var chain = ChainOfTwo();
        var block = chain.Make(Alice.Follow(Bob.Did, 0));
        Assert.Null(chain.Ledger.Validate(block, static _ => false));
        var changed = block with { Header = change(block.Header) };
        Assert.Contains(sentence, chain.Ledger.Validate(changed, static _ => false) ?? $"{field} is not looked at", StringComparison.Ordinal);

        var refused = Assert.Throws<InvalidBlockException>(() => chain.Ledger.Commit(changed, TestChain.Certify(changed), static _ => false));
        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        Assert.Equal(2UL, chain.Ledger.Tip.Height);
        chain.Commit(block);
    }

    [Fact]
    public void The_changes_leave_no_field_out() =>
        Assert.Equal(
            typeof(BlockHeader).GetProperties().Select(p => p.Name).Except([nameof(BlockHeader.Id)]).Order(StringComparer.Ordinal),
            Changes.Select(row => (string)row[0]).Order(StringComparer.Ordinal));

    [Fact]
    public void A_header_may_name_any_round_of_first_proposal()
    {
        var chain = ChainOfTwo();
        var block = chain.Make();
        Assert.Null(chain.Ledger.Validate(block with { Header = block.Header with { Round = 7 } }, static _ => false));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(39)]
    public void A_wrong_signature_is_found_wherever_it_is(int at)
    {
        var chain = ChainOfTwo();
        var transactions = Enumerable.Range(0, 40).Select(nonce => Alice.Follow(Bob.Did, (ulong)nonce)).ToList();
        var good = chain.Make(transactions);
        transactions[at] = transactions[at] with { Signature = transactions[(at + 1) % 40].Signature };
        var block = chain.Make(transactions);
        Assert.Null(chain.Ledger.Validate(good, static _ => false));
        Assert.Equal($"transaction {at} has a signature that does not verify", chain.Ledger.Validate(block, static _ => false));

        // What has been verified before is not verified again, all else is.
        Assert.NotNull(chain.Ledger.Validate(block, envelope => envelope != transactions[at]));
        Assert.Null(chain.Ledger.Validate(block, envelope => envelope == transactions[at]));
    }

    [Fact]
    public void A_signer_of_small_order_is_found()
    {
        var chain = ChainOfTwo();
        var envelope = Alice.Register(nonce: 1) with { Signer = new PublicKey(new byte[32]) };
        Assert.Contains("SIGNER_NOT_AUTHORIZED", chain.Ledger.Validate(chain.Make(envelope), static _ => false), StringComparison.Ordinal);
    }

    [Fact]
    public void The_parents_certificate_is_the_one_the_header_commits_to()
    {
        var chain = ChainOfTwo();
        var block = chain.Make();
        Assert.Contains("parent certificate hash", chain.Ledger.Validate(block with { ParentCertificate = null }, static _ => false), StringComparison.Ordinal);
        Assert.Contains("parent certificate hash", chain.Ledger.Validate(block with { ParentCertificate = block.ParentCertificate! with { Round = 1 } }, static _ => false), StringComparison.Ordinal);

        Assert.Equal("it lacks its parent's certificate", chain.Ledger.Validate(With(chain, null), static _ => false));
        Assert.Equal("its parent's certificate is for another block", chain.Ledger.Validate(With(chain, chain.Stored().First().Certificate), static _ => false));
        var first = new TestChain();
        Assert.Equal("the first block has no parent to certify", first.Ledger.Validate(With(first, block.ParentCertificate), static _ => false));
    }

    [Fact]
    public void Any_quorum_of_the_parent_will_do_and_no_less()
    {
        var chain = new TestChain(validators: TestChain.Validators(4));
        var parent = chain.Make();
        chain.Ledger.Commit(parent, chain.CertificateOf(parent, 0), static _ => false);
        foreach (var missing in new[] { 1, 2, 3 }) Assert.Null(chain.Ledger.Validate(With(chain, chain.CertificateOf(parent, missing)), static _ => false));
        Assert.Null(chain.Ledger.Validate(With(chain, chain.CertificateOf(parent)), static _ => false));
        Assert.Contains("has power 2 of 4, not more than two thirds", chain.Ledger.Validate(With(chain, chain.CertificateOf(parent, 0, 1)), static _ => false), StringComparison.Ordinal);
        Assert.Contains("a wrong signature by validator 0", chain.Ledger.Validate(With(chain, chain.CertificateOf(parent) with { Round = 1 }), static _ => false), StringComparison.Ordinal);

        var other = With(chain, chain.CertificateOf(parent, 2));
        chain.Commit(other);
        Assert.Equal(other.Id, chain.Ledger.Tip.BlockId);
    }

    [Fact]
    public void Each_round_has_its_proposer()
    {
        var chain = new TestChain(validators: TestChain.Validators(4));
        for (var round = 0U; round < 8; round++)
        {
            var proposer = chain.Ledger.Tip.Proposers.Proposer(round);
            Assert.Null(chain.Ledger.Validate(chain.Ledger.Assemble([], [], round, 0, proposer), static _ => false));
            var outOfTurn = chain.Ledger.Assemble([], [], round + 1, 0, proposer);
            Assert.Equal($"its proposer {proposer} is not that of round {round + 1}", chain.Ledger.Validate(outOfTurn, static _ => false));
        }
    }

    [Fact]
    public void A_block_judged_before_is_not_judged_again_but_its_body_is_looked_at()
    {
        var chain = ChainOfTwo();
        var block = chain.Make(Alice.Follow(Bob.Did, 0), Bob.Follow(Alice.Did, 0));
        var verified = 0;
        Assert.Null(chain.Ledger.Validate(block, Count));
        Assert.Equal(2, verified);
        Assert.Null(chain.Ledger.Validate(block, Count));
        Assert.Null(chain.Ledger.Validate(Block.FromBytes(block.ToBytes()), Count));
        Assert.Equal(2, verified);

        TransactionEnvelope[] forged = [block.Transactions[0], block.Transactions[1] with { Signature = block.Transactions[0].Signature }];
        Assert.Contains("transaction root", chain.Ledger.Validate(block with { Transactions = forged }, Count), StringComparison.Ordinal);
        Assert.Contains("evidence root", chain.Ledger.Validate(block with { Evidence = [Examples.Evidence] }, Count), StringComparison.Ordinal);
        Assert.NotNull(chain.Ledger.Validate(block with { ParentCertificate = null }, Count));
        chain.Ledger.Commit(block, TestChain.Certify(block), Count);
        Assert.Equal(2, verified);
        Assert.NotNull(chain.Ledger.Validate(block, Count));

        bool Count(TransactionEnvelope envelope)
        {
            Interlocked.Increment(ref verified);
            return false;
        }
    }

    [Fact]
    public void A_body_is_that_of_its_header_or_it_is_said_what_is_not()
    {
        var block = ChainOfTwo().Make([Examples.Evidence], Alice.Follow(Bob.Did, 0));
        Assert.Null(block.BodyProblem());
        Assert.Contains("transactions", (block with { Transactions = [] }).BodyProblem(), StringComparison.Ordinal);
        Assert.Contains("evidence", (block with { Evidence = [] }).BodyProblem(), StringComparison.Ordinal);
        Assert.Contains("certificate", (block with { ParentCertificate = null }).BodyProblem(), StringComparison.Ordinal);
    }

    [Fact]
    public void Too_many_transactions_are_refused()
    {
        var chain = new TestChain(new ChainParameters { MaxBlockTransactions = 2 });
        TransactionEnvelope[] three = [.. Enumerable.Range(0, 3).Select(i => new Person($"{i}").Register())];
        Assert.Null(chain.Ledger.Validate(chain.Make(three[..2]), static _ => false));
        Assert.Equal("it has 3 transactions, at most 2 are allowed", chain.Ledger.Validate(chain.Make(three), static _ => false));
    }

    [Fact]
    public void Transactions_in_another_order_or_missing_do_not_match_the_header()
    {
        var chain = ChainOfTwo();
        var block = chain.Make(Alice.Follow(Bob.Did, 0), Alice.Follow(Bob.Did, 1));
        Assert.Contains("transaction root", chain.Ledger.Validate(block with { Transactions = [block.Transactions[1], block.Transactions[0]] }, static _ => false), StringComparison.Ordinal);
        Assert.Contains("transaction root", chain.Ledger.Validate(block with { Transactions = [block.Transactions[0]] }, static _ => false), StringComparison.Ordinal);
        Assert.Contains("NONCE_GAP", chain.Ledger.Validate(chain.Make(block.Transactions[1], block.Transactions[0]), static _ => false), StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_this_program_lacks_are_named_before_anything_is_judged()
    {
        var refused = Assert.Throws<RulesVersionUnknownException>(() => new TestChain(rulesVersion: 2));
        Assert.Equal((2U, "height 1 needs rules-version 2, this program knows 1: upgrade it"), (refused.Version, refused.Message));

        var verifier = new ChainVerifier(TestChain.GenesisWith(new(), rulesVersion: 2));
        var block = new TestChain().Make(Examples.Follow with { Body = new byte[5] });
        Assert.Throws<RulesVersionUnknownException>(() => verifier.Add(block, TestChain.Certify(block)));
        Assert.Throws<RulesVersionUnknownException>(() => ExecutionRules.For(0, 1));
    }

    [Fact]
    public void A_copy_of_a_block_has_its_own_id()
    {
        var block = Examples.Block;
        var id = block.Id;
        var copy = block with { Header = block.Header with { Height = 6 } };
        Assert.NotEqual(id, copy.Id);
        Assert.Equal(copy.Header.Id, copy.Id);
    }

    public static TheoryData<string, Func<CommitCertificate, CommitCertificate>, string> Certificates => new()
    {
        { "none", c => c with { Signatures = [] }, "has power 0 of 10, not more than two thirds" },
        { "twice", c => c with { Signatures = [c.Signatures[0], c.Signatures[0]] }, "out of order" },
        { "outside", c => c with { Signatures = [c.Signatures[0] with { ValidatorIndex = 1 }] }, "names validator 1 of 1" },
        { "round", c => c with { Round = 1 }, "a wrong signature by validator 0" },
        { "height", c => c with { Height = 4 }, "for another block" },
        { "block", c => c with { BlockId = Hash256.Zero }, "for another block" },
        { "signature", c => c with { Signatures = [new CommitSignature(0, Examples.Precommit.Signature)] }, "a wrong signature by validator 0" },
    };

    [Theory]
    [MemberData(nameof(Certificates))]
    public void A_certificate_that_does_not_hold_is_refused(string what, Func<CommitCertificate, CommitCertificate> change, string sentence)
    {
        var chain = ChainOfTwo();
        var block = chain.Make();
        var refused = Assert.Throws<InvalidBlockException>(() => chain.Ledger.Commit(block, change(TestChain.Certify(block)), static _ => false));
        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        Assert.Equal((what, 2UL), (what, chain.Ledger.Tip.Height));
        chain.Ledger.Commit(block, TestChain.Certify(block), static _ => false);
    }

    [Fact]
    public void More_than_two_thirds_of_the_power_certify_and_no_less()
    {
        SigningKey[] keys = [.. Enumerable.Range(0, 4).Select(i => Person.KeyOf($"validator {i}")).OrderBy(key => key.PublicKey)];
        var validators = new ValidatorSet(keys.Select((key, i) => new Validator(key.PublicKey, i == 3 ? 3UL : 1)));
        for (var signers = 0; signers < 16; signers++)
        {
            var all = TestChain.Certify(Examples.Header, keys);
            var some = all with { Signatures = [.. all.Signatures.Where(s => (signers >> s.ValidatorIndex & 1) != 0)] };
            var power = some.Signatures.Sum(s => s.ValidatorIndex == 3 ? 3 : 1);
            Assert.Equal((signers, power > 4), (signers, some.Verify(TestChain.ChainId, validators, Ed25519Scheme.Instance) is null));
        }
    }

    private static Block With(TestChain chain, CommitCertificate? certificate)
    {
        var block = chain.Make();
        return block with { Header = block.Header with { ParentCertificateHash = Block.HashOf(certificate) }, ParentCertificate = certificate };
    }

    private static TestChain ChainOfTwo()
    {
        var chain = new TestChain();
        chain.Commit(Alice.Register(), Bob.Register());
        chain.Commit();
        return chain;
    }
}
