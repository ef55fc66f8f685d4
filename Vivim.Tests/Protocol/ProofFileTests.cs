using FsCheck.Xunit;
using Vivim.Ledger.Execution;
using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Merkle;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.Protocol;

public sealed class ProofFileTests
{
    private static readonly Person Alice = new("alice");
    private static readonly Person[] Fans = [.. Enumerable.Range(0, 9).Select(i => new Person($"fan {i}"))];
    private static readonly TestChain Chain = Play();
    private static readonly byte[] FollowKey = StateKey.Edge(Fans[0].Did, Alice.Did);
    private static readonly byte[] NoFollowKey = StateKey.Edge(Alice.Did, Fans[0].Did);

    [Fact]
    public void A_follow_is_proven_with_when_it_was_made()
    {
        var facts = RoundTrip(Chain.Ledger.Prove([FollowKey])!).Verify(Chain.Genesis);
        Assert.Equal(new EventCursor(2, 0), EdgeRecord.FromBytes(facts.ValueOf(FollowKey)!.Value.Span).Since);
        Assert.Equal((Chain.Ledger.CertifiedHeight, Chain.Ledger.CertifiedRoot), (facts.Height, facts.Header.StateRoot));
    }

    [Fact]
    public void That_someone_does_not_follow_is_proven_too() =>
        Assert.Null(RoundTrip(Chain.Ledger.Prove([NoFollowKey])!).Verify(Chain.Genesis).ValueOf(NoFollowKey));

    [Fact]
    public void A_list_of_followers_is_proven_complete_by_the_account()
    {
        var page = Chain.Ledger.Range(StateKey.FollowersPrefix(Alice.Did), [], 100, certified: true);
        var file = RoundTrip(Chain.Ledger.Prove([StateKey.Account(Alice.Did), .. page.Select(row => row.Key)])!);
        var facts = file.Verify(Chain.Genesis);
        Assert.Equal((uint)Fans.Length, AccountRecord.FromBytes(facts.ValueOf(StateKey.Account(Alice.Did))!.Value.Span).Followers);
        Assert.Equal(Fans.Select(fan => fan.Did).ToHashSet(), page.Select(row => StateKey.ParseEdge(row.Key).Follower).ToHashSet());
        Assert.All(page, row => Assert.Equal(row.Value, facts.ValueOf(row.Key)!.Value.ToArray()));
    }

    [Fact]
    public void Every_receipt_of_the_certified_block_is_proven_and_no_other()
    {
        var receipts = StoredReceipts.Decode(Chain.Chain.Read(Chain.Ledger.Tip.Height - 1)!.Receipts);
        Assert.True(receipts.Count > 4);
        var whole = RoundTrip(FileOf(receipts, receipts.Count));
        Assert.All(receipts, receipt => Assert.Equal(receipt, whole.Verify(Chain.Genesis).ReceiptOf(receipt.TransactionId)));
        Assert.Contains("no receipt of", Assert.Throws<ProofException>(() => whole.Verify(Chain.Genesis).ReceiptOf(Hash256.Zero)).Message, StringComparison.Ordinal);

        Assert.Throws<ProofException>(() => FileOf([receipts[0] with { Code = ReceiptCode.NotFollowing }, .. receipts.Skip(1)], 1).Verify(Chain.Genesis));
        Assert.Throws<ProofException>(() => FileOf([receipts[0] with { Index = 1 }, .. receipts.Skip(1)], 1).Verify(Chain.Genesis));
        var old = StoredReceipts.Decode(Chain.Chain.Read(1)!.Receipts);
        Assert.Contains("is of height 1", Assert.Throws<ProofException>(() => FileOf(old, 1).Verify(Chain.Genesis)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_alone_is_proven()
    {
        var file = RoundTrip(Chain.Ledger.Prove([])!);
        Assert.Equal(Chain.Ledger.Tip.BlockId, file.Verify(Chain.Genesis).Header.Id);
        Assert.Empty(file.Entries);
    }

    [Fact]
    public void A_proof_about_something_else_is_no_answer()
    {
        var facts = Chain.Ledger.Prove([FollowKey])!.Verify(Chain.Genesis);
        Assert.Contains("says nothing of the key", Assert.Throws<ProofException>(() => facts.ValueOf(NoFollowKey)).Message, StringComparison.Ordinal);
        Assert.Throws<ProofException>(() => facts.ValueOf(FollowKey.AsSpan(1)));
    }

    [Fact]
    public void Any_single_byte_changed_in_a_proof_of_existence_is_noticed() => AssertTamperProof(FollowKey);

    [Fact]
    public void Any_single_byte_changed_in_a_proof_of_absence_is_noticed() => AssertTamperProof(NoFollowKey);

    [Fact]
    public void A_proof_holds_under_its_own_genesis_only()
    {
        var file = Chain.Ledger.Prove([FollowKey])!;
        Assert.Contains("of the chain 'vivim-test', the genesis of 'another'", Refused(file, Chain.Genesis with { ChainId = "another" }), StringComparison.Ordinal);
        Assert.Contains("names another validator set", Refused(file, Chain.Genesis with { Validators = [new(Alice.KeyDid.ToString(), 10)] }), StringComparison.Ordinal);
        Assert.Contains("names another validator set", Refused(file, Chain.Genesis with { Validators = [Chain.Genesis.Validators[0] with { Power = 11 }] }), StringComparison.Ordinal);
        Assert.Contains("not more than two thirds", Refused(file with { Certificate = file.Certificate with { Signatures = [] } }, Chain.Genesis), StringComparison.Ordinal);
        Assert.Contains("not for the header", Refused(file with { Certificate = file.Certificate with { Height = 1 } }, Chain.Genesis), StringComparison.Ordinal);
        Assert.Contains("not for the header", Refused(file with { Header = file.Header with { StateRoot = Hash256.Zero } }, Chain.Genesis), StringComparison.Ordinal);
    }

    [Fact]
    public void Changes_of_the_validators_lead_from_the_genesis_to_the_header()
    {
        var file = RoundTrip(ChangingFile());
        Assert.Equal(Alice.Key.PublicKey, file.Verify(Chain.Genesis).Header.Proposer);

        var (first, second, third) = (file.SetChanges[0], file.SetChanges[1], file.SetChanges[2]);
        Assert.Contains("another validator set", Refused(file with { SetChanges = [] }, Chain.Genesis), StringComparison.Ordinal);
        Assert.Contains("another validator set", Refused(file with { SetChanges = [first, third] }, Chain.Genesis), StringComparison.Ordinal);
        Assert.Contains("another validator set", Refused(file with { SetChanges = [first, second] }, Chain.Genesis), StringComparison.Ordinal);
        Assert.Contains("another validator set", Refused(file with { SetChanges = [second, first, third] }, Chain.Genesis), StringComparison.Ordinal);
        Assert.Contains("does not come after", Refused(file with { SetChanges = [first, first, second, third] }, Chain.Genesis), StringComparison.Ordinal);
        Assert.Contains("does not change to", Refused(file with { SetChanges = [first with { Next = third.Next }, second, third] }, Chain.Genesis), StringComparison.Ordinal);
        Assert.Contains("a wrong signature", Refused(file with { SetChanges = [first with { Certificate = TestChain.Certify(first.Header, [Alice.Key]) }, second, third] }, Chain.Genesis), StringComparison.Ordinal);
    }

    [Fact]
    public void Changes_of_the_validators_ascend()
    {
        // The genesis' validators hand over, get the chain back, and the same hand-over is told again.
        var file = ChangingFile();
        var back = ChangeOf(12, [Alice.Key, Fans[0].Key], [TestChain.Validator]);
        var forth = ChangeOf(10, [TestChain.Validator], [Alice.Key, Fans[0].Key]);
        Assert.Contains("does not come after", Refused(file with { SetChanges = [forth, back, forth, .. file.SetChanges.Skip(1)] }, Chain.Genesis), StringComparison.Ordinal);
        Assert.Contains("does not come after", Refused(file with { SetChanges = [.. file.SetChanges, ChangeOf(40, [Alice.Key], [Fans[1].Key]), ChangeOf(41, [Fans[1].Key], [Alice.Key])] }, Chain.Genesis), StringComparison.Ordinal);
        Assert.Contains("does not change to", Refused(file with { SetChanges = [ChangeOf(5, [TestChain.Validator], [TestChain.Validator]), .. file.SetChanges] }, Chain.Genesis), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_something_else_is_called_that()
    {
        Assert.Equal("not a VIVIM proof file", Assert.Throws<MalformedException>(() => ProofFile.FromBytes(new byte[100])).Message);
        Assert.Contains("damaged", Assert.Throws<MalformedException>(() => ProofFile.FromBytes("VIVIMPRF"u8)).Message, StringComparison.Ordinal);
        Assert.Contains("at most", Assert.Throws<MalformedException>(() => ProofFile.FromBytes(new byte[ProofFile.MaxSize + 1])).Message, StringComparison.Ordinal);
    }

    [Property(MaxTest = 20)]
    public void The_whole_state_of_a_random_chain_is_proven(int seed)
    {
        var traffic = new RandomTraffic(seed);
        var chain = RandomTraffic.NewChain();
        for (var i = 0; i < 8; i++)
        {
            var block = chain.Assemble(traffic.Next(chain.NextHeight), traffic.NextEvidence(chain.NextHeight));
            traffic.Included(block.Transactions.Select(TestChain.Decode));
            chain.Commit(block);
            var rows = chain.Ledger.Range([], [], int.MaxValue, certified: true);
            var absent = StateKey.Edge(Alice.Did, new Person($"person {i % 6}").Did);
            var facts = RoundTrip(chain.Ledger.Prove([.. rows.Select(row => row.Key), absent])!).Verify(chain.Genesis);
            Assert.Null(facts.ValueOf(absent));
            Assert.All(rows, row => Assert.Equal(row.Value, facts.ValueOf(row.Key)!.Value.ToArray()));
            Assert.All(rows, row => Assert.Equal(row.Value, chain.Ledger.GetCertified(row.Key)));
        }
    }

    /// <summary>
    /// Damage is noticed wherever it is. A forger mends the digest; then either the file is refused, or it proves what is true, but of
    /// another absent key, and does not answer for the key that was asked.
    /// </summary>
    private static void AssertTamperProof(byte[] key)
    {
        var file = Chain.Ledger.Prove([key])!.ToBytes();
        var aboutAnother = 0;
        for (var at = 0; at < file.Length; at++)
        {
            foreach (var flip in new[] { 0x01, 0x10, 0x80, 0xFF })
            {
                byte[] damaged = [.. file];
                damaged[at] ^= (byte)flip;
                Assert.Throws<MalformedException>(() => ProofFile.FromBytes(damaged));
                if (at >= file.Length - Hash256.Size) continue;
                var forged = damaged.AsSpan(..^Hash256.Size).ToArray();
                if (Facts([.. forged, .. Hash256.Of(forged).Bytes]) is not { } facts) continue;
                Assert.Throws<ProofException>(() => facts.ValueOf(key));
                aboutAnother++;
            }
        }

        Assert.InRange(aboutAnother, 0, key == FollowKey ? 0 : 4 * key.Length);
    }

    private static ProvenFacts? Facts(byte[] file)
    {
        try
        {
            return ProofFile.FromBytes(file).Verify(Chain.Genesis);
        }
        catch (Exception e) when (e is MalformedException or ProofException)
        {
            return null;
        }
    }

    private static string Refused(ProofFile file, GenesisFile genesis) => Assert.Throws<ProofException>(() => file.Verify(genesis)).Message;

    private static ProofFile RoundTrip(ProofFile file) => ProofFile.FromBytes(file.ToBytes());

    private static ProofFile FileOf(IReadOnlyList<Receipt> receipts, int entries)
    {
        var leaves = MerkleTree.LeafHashes(receipts, Receipt.Size, static (r, w) => r.Encode(w));
        return Chain.Ledger.Prove([])! with { Entries = [.. receipts.Take(entries).Select((receipt, i) => new ProofEntry.Included(receipt, (uint)receipts.Count, MerkleTree.InclusionProof(leaves, i)))] };
    }

    /// <summary>From the genesis' validator to Alice and a fan, to two fans, to Alice alone.</summary>
    private static ProofFile ChangingFile()
    {
        SigningKey[] one = [TestChain.Validator], two = [Alice.Key, Fans[0].Key], three = [Fans[1].Key, Fans[2].Key], four = [Alice.Key];
        var header = Examples.Header with { Height = 40, ValidatorSetHash = SetOf(four).Hash, NextValidatorSetHash = SetOf(four).Hash, Proposer = Alice.Key.PublicKey };
        return new ProofFile(header, TestChain.Certify(header, four), [ChangeOf(10, one, two), ChangeOf(20, two, three), ChangeOf(30, three, four)], []);
    }

    private static ValidatorSetChange ChangeOf(ulong height, SigningKey[] from, SigningKey[] to)
    {
        var header = Examples.Header with { Height = height, ValidatorSetHash = SetOf(from).Hash, NextValidatorSetHash = SetOf(to).Hash };
        return new ValidatorSetChange(header, TestChain.Certify(header, from.OrderBy(key => key.PublicKey)), SetOf(to));
    }

    private static ValidatorSet SetOf(SigningKey[] keys) => new(keys.Select(key => new Validator(key.PublicKey, 10)));

    private static TestChain Play()
    {
        var chain = new TestChain();
        chain.Commit([Alice.Register(), .. Fans.Select(fan => fan.Register())]);
        chain.Commit([.. Fans.Select(fan => fan.Follow(Alice.Did, 0))]);
        chain.Commit();
        return chain;
    }
}
