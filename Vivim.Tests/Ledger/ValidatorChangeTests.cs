using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Ledger;

/// <summary>How the authorities change the validators, and what follows from it.</summary>
public sealed class ValidatorChangeTests
{
    private static readonly Person[] V = [.. Enumerable.Range(0, 10).Select(TestChain.ValidatorOf)];

    private readonly ulong[] nonces = new ulong[10];

    [Fact]
    public void A_change_takes_effect_two_heights_later()
    {
        var chain = new TestChain(validators: TestChain.Validators(4));
        Assert.Equal([4, 4, 4], Counts(chain));
        var result = chain.Commit(Vote(4, 1, by: [0, 1, 2]));
        Assert.Equal(
            [LedgerEventType.ValidatorChangeProposed, LedgerEventType.ValidatorChangeApproved, LedgerEventType.ValidatorChangeApproved, LedgerEventType.ValidatorSetChanged],
            result.Events.Select(e => e.Type));
        Assert.All(result.Events, e => Assert.Equal(V[4].KeyDid, e.Subject));
        Assert.Equal([4, 4, 5], Counts(chain));
        var next = chain.Make();
        Assert.NotEqual(next.Header.ValidatorSetHash, next.Header.NextValidatorSetHash);
        chain.Commit(next);
        Assert.Equal([4, 5, 5], Counts(chain));
        var after = chain.Make();
        Assert.Equal(next.Header.NextValidatorSetHash, after.Header.ValidatorSetHash);
        chain.Commit(after);
        Assert.Equal([5, 5, 5], Counts(chain));
    }

    [Fact]
    public void More_than_two_thirds_of_the_power_decide_and_no_less()
    {
        var chain = new TestChain(validators: TestChain.Validators(6));
        var votes = Vote(6, 1, by: [0, 1, 2, 3]);
        Assert.DoesNotContain(LedgerEventType.ValidatorSetChanged, chain.Commit(votes).Events.Select(e => e.Type));
        Assert.Equal([6, 6, 6], Counts(chain));
        var fifth = V[4].Approve(V[0], votes[0], nonces[4]++);
        Assert.Contains(LedgerEventType.ValidatorSetChanged, chain.Commit(fifth).Events.Select(e => e.Type));
        Assert.Null(chain.Ledger.State.Get(StateKey.Proposal(V[0].Key.PublicKey)));
        Assert.Equal([ReceiptCode.ProposalUnknown], Codes(chain.Commit(V[5].Approve(V[0], votes[0], nonces[5]++))));
    }

    [Fact]
    public void Changes_of_one_block_combine_and_what_cannot_be_fails()
    {
        var chain = new TestChain(validators: TestChain.Validators(1));
        TransactionEnvelope Propose(int validator, ulong power) => V[0].Propose(V[validator], power, nonces[0]++);
        var codes = Codes(chain.Commit(Propose(0, 0), Propose(0, 1), Propose(1, 0), Propose(1, 5), Propose(1, 5), Propose(2, ValidatorSet.MaxTotalPower), Propose(1, 0), Propose(0, 0), Propose(3, 2), Propose(0, 0)));
        const ReceiptCode Ok = ReceiptCode.Ok, Impossible = ReceiptCode.ChangeImpossible;
        Assert.Equal([Impossible, Impossible, Impossible, Ok, Impossible, Impossible, Ok, Impossible, Ok, Ok], codes);
        chain.Commit();
        Assert.Equal([V[3].Key.PublicKey], Keys(chain.Ledger.Tip.Validators));
        Assert.Equal(RefusalReason.NotAnAuthority, new InclusionRules(chain.Ledger.State, TestChain.ChainId, chain.NextHeight, chain.Genesis.Parameters, chain.Ledger.Tip.Validators)
            .TryInclude(TestChain.Decode(Propose(4, 1)))?.Reason);
    }

    [Fact]
    public void A_block_that_changes_the_validators_back_writes_no_set()
    {
        var chain = new TestChain(validators: TestChain.Validators(1));
        chain.Commit(V[0].Propose(V[1], 1, 0), V[0].Propose(V[1], 0, 1));
        Assert.Equal([1, 1, 1], Counts(chain));
        Assert.Null(chain.Ledger.State.Get(StateKey.ValidatorsFrom(3)));
        chain.Commit();
        chain.Commit();
        Assert.Empty(chain.Chain.SetChangesBelow(100));
    }

    [Fact]
    public void A_proposal_is_replaced_by_the_next_and_expires()
    {
        var chain = new TestChain(new ChainParameters { MaxExpiryAhead = 20_000 }, validators: TestChain.Validators(4));
        var first = V[0].Propose(V[4], 1, 0);
        var second = V[0].Propose(V[5], 1, 1, expiry: 12_000);
        Assert.Equal([ReceiptCode.Ok, ReceiptCode.Ok, ReceiptCode.Ok, ReceiptCode.ProposalUnknown, ReceiptCode.AlreadyApproved],
            Codes(chain.Commit(first, V[1].Approve(V[0], first, 0), second, V[2].Approve(V[0], first, 0), V[0].Approve(V[0], second, 2))));
        Assert.Single(ValidatorProposal.FromBytes(chain.Ledger.State.Get(StateKey.Proposal(V[0].Key.PublicKey))!).Approvals);
        Assert.False(new ValidatorProposal(Hash256.Zero, default, 0, 5, []).IsExpired(10_005));
        Assert.True(new ValidatorProposal(Hash256.Zero, default, 0, 5, []).IsExpired(10_006));
        while (chain.NextHeight < 10_001) chain.Commit();
        Assert.Equal([ReceiptCode.Ok], Codes(chain.Commit(V[1].Approve(V[0], second, 1, expiry: 12_000))));
        Assert.Equal([ReceiptCode.ProposalUnknown], Codes(chain.Commit(V[2].Approve(V[0], second, 1, expiry: 12_000))));
    }

    [Fact]
    public void Approvals_of_those_who_are_no_validators_any_more_do_not_count()
    {
        var chain = new TestChain(validators: TestChain.Validators(4));
        var open = V[0].Propose(V[7], 1, nonces[0]++);
        chain.Commit(open, V[1].Approve(V[0], open, nonces[1]++));
        chain.Commit(Vote(1, 0, by: [2, 3, 0]));
        chain.Commit();
        Assert.Equal(3, chain.Ledger.Tip.Validators.Count);

        // One of three has proposed, one has approved and left: another one is not enough, all three are.
        Assert.DoesNotContain(LedgerEventType.ValidatorSetChanged, chain.Commit(V[2].Approve(V[0], open, nonces[2]++)).Events.Select(e => e.Type));
        Assert.Contains(LedgerEventType.ValidatorSetChanged, chain.Commit(V[3].Approve(V[0], open, nonces[3]++)).Events.Select(e => e.Type));
    }

    [Fact]
    public void From_four_to_seven_and_back_every_proof_holds_from_the_genesis()
    {
        using var folder = new TemporaryFolder();
        using var store = new SqliteChainStore(folder.PathOf("chain.db"));
        var chain = new TestChain(null, store, validators: TestChain.Validators(4));
        var key = StateKey.Account(V[0].KeyDid);
        for (var i = 4; i < 7; i++) Play(Vote(i, 1, by: [0, 1, 2, 3]));
        for (var i = 0; i < 3; i++) Play();
        Assert.Equal([7, 7, 7], Counts(chain));
        for (var i = 0; i < 3; i++) Play(Vote(i, 0, by: [3, 4, 5, 6, .. Enumerable.Range(i, 3 - i)]));
        for (var i = 0; i < 3; i++) Play();
        Assert.Equal(V[3..7].Select(v => v.Key.PublicKey).Order(), Keys(chain.Ledger.Tip.Validators));

        var verifier = new ChainVerifier(chain.Genesis);
        foreach (var (block, certificate) in chain.Stored()) verifier.Add(block, certificate);
        Assert.Equal((chain.Ledger.Tip.BlockId, chain.Ledger.Tip.StateRoot), (verifier.BlockId, verifier.StateRoot));

        chain.Ledger.DropBlocksBelow(1_000);
        var file = chain.Ledger.Prove([key])!;
        Assert.Equal(6, file.SetChanges.Count);
        var bytes = file.ToBytes();
        Assert.NotNull(ProofFile.FromBytes(bytes).Verify(chain.Genesis).ValueOf(key));
        Assert.Throws<ProofException>(() => (file with { SetChanges = [.. file.SetChanges.Skip(1)] }).Verify(chain.Genesis));
        var random = new System.Random(1);
        for (var at = 0; at < bytes.Length; at += random.Next(1, 8)) AssertRefused(bytes, at, chain.Genesis);

        void Play(params TransactionEnvelope[] transactions)
        {
            chain.Commit(transactions);
            chain.Ledger.Prove([key])!.Verify(chain.Genesis);
        }
    }

    [Fact]
    public void A_restart_in_the_middle_of_a_change_gives_the_same_tip()
    {
        var (store, values) = (new MemoryChainStore(), new MemoryStateStore());
        var chain = new TestChain(null, store, values, validators: TestChain.Validators(4));
        AssertSameAfterRestart();
        for (var i = 0; i < 3; i++) Commit();
        Commit(Vote(4, 3, by: [0, 1, 2]));
        for (var i = 0; i < 4; i++) Commit();
        Commit(Vote(0, 0, by: [4, 1, 2]));
        for (var i = 0; i < 4; i++) Commit();

        void Commit(params TransactionEnvelope[] transactions)
        {
            chain.Commit(transactions);
            AssertSameAfterRestart();
        }

        void AssertSameAfterRestart()
        {
            var again = new TestChain(null, store, values, validators: TestChain.Validators(4));
            var (expected, actual) = (chain.Ledger.Tip, again.Ledger.Tip);
            Assert.Equal((expected.LastValidators.Hash, expected.Validators.Hash, expected.NextValidators.Hash), (actual.LastValidators.Hash, actual.Validators.Hash, actual.NextValidators.Hash));
            Assert.Equal(expected.Proposers.Priorities, actual.Proposers.Priorities);
            Assert.Equal(Enumerable.Range(0, 9).Select(r => expected.Proposers.Proposer((uint)r)), Enumerable.Range(0, 9).Select(r => actual.Proposers.Proposer((uint)r)));
            chain = again;
        }
    }

    [Fact]
    public void Proposers_follow_from_the_height_before_over_every_change()
    {
        var chain = new TestChain(validators: TestChain.Validators(4));
        var expected = ProposerRotation.Start(chain.Genesis.ValidatorSet);
        TransactionEnvelope[][] blocks = [[], [], Vote(4, 3, by: [0, 1, 2]), Vote(5, 2, by: [0, 1, 2]), [], Vote(0, 0, by: [1, 2, 3, 4, 5]), [], [], []];
        foreach (var transactions in blocks)
        {
            Assert.Equal(expected.Priorities, chain.Ledger.Tip.Proposers.Priorities);
            var changes = chain.Ledger.Tip.NextValidators.Hash != chain.Ledger.Tip.Validators.Hash;
            expected = changes ? expected.Change(chain.Ledger.Tip.NextValidators) : expected.Next();
            chain.Commit(transactions);
        }

        Assert.Equal((5, expected.Proposer(2)), (chain.Ledger.Tip.Validators.Count, chain.Ledger.Tip.Proposers.Proposer(2)));
    }

    [Fact]
    public void Empty_blocks_write_nothing_and_old_sets_go_when_no_evidence_can_need_them()
    {
        var chain = new TestChain(new ChainParameters { MaxEvidenceAge = 5 }, validators: TestChain.Validators(1));
        chain.Commit(V[0].Propose(V[0], 2, 0));
        for (var i = 0; i < 6; i++) Assert.Empty(chain.Commit().Changes);
        Assert.Equal((1UL, 1UL, 2UL), (Power(1), Power(2), Power(3)));
        chain.Commit(V[0].Propose(V[0], 3, 1));
        Assert.Null(chain.Ledger.Tip.System.Schedule.At(2));
        Assert.Equal((2UL, 2UL, 3UL), (Power(3), Power(9), Power(10)));
        Assert.Null(chain.Ledger.State.Get(StateKey.ValidatorsFrom(1)));

        ulong? Power(ulong height) => chain.Ledger.Tip.System.Schedule.At(height)?.TotalPower;
    }

    [Fact]
    public void No_more_than_sixty_four_sets_are_kept()
    {
        var chain = new TestChain(new ChainParameters { QuotaActions = 1_000 }, validators: TestChain.Validators(1));
        for (var i = 0UL; i < 80; i++) chain.Commit(V[0].Propose(V[0], i + 2, i));
        Assert.Equal(64, chain.Ledger.Range(StateKey.Validators, StateKey.Validators, 100, certified: false).Count);
        Assert.Equal((null, 18UL), (chain.Ledger.Tip.System.Schedule.At(18)?.TotalPower, chain.Ledger.Tip.System.Schedule.At(19)?.TotalPower));
        Assert.Equal((79UL, 80UL, 81UL), (chain.Ledger.Tip.LastValidators.TotalPower, chain.Ledger.Tip.Validators.TotalPower, chain.Ledger.Tip.NextValidators.TotalPower));
    }

    private static void AssertRefused(byte[] file, int at, GenesisFile genesis)
    {
        byte[] changed = [.. file];
        changed[at] ^= 1;
        var mended = changed.AsSpan(..^Hash256.Size).ToArray();
        Assert.Throws<MalformedException>(() => ProofFile.FromBytes(changed));
        if (at >= mended.Length) return;
        var refused = Record.Exception(() => ProofFile.FromBytes([.. mended, .. Hash256.Of(mended).Bytes]).Verify(genesis));
        Assert.True(refused is MalformedException or ProofException, $"byte {at}: {refused}");
    }

    /// <summary>A proposal by the first and approvals by the others.</summary>
    private TransactionEnvelope[] Vote(int validator, ulong power, int[] by)
    {
        var proposal = V[by[0]].Propose(V[validator], power, nonces[by[0]]++);
        return [proposal, .. by.Skip(1).Select(i => V[i].Approve(V[by[0]], proposal, nonces[i]++))];
    }

    private static IEnumerable<ReceiptCode> Codes(ExecutionResult result) => result.Receipts.Select(r => r.Code);

    private static int[] Counts(TestChain chain) => [chain.Ledger.Tip.LastValidators.Count, chain.Ledger.Tip.Validators.Count, chain.Ledger.Tip.NextValidators.Count];

    private static IEnumerable<Vivim.Protocol.Keys.PublicKey> Keys(ValidatorSet set) => Enumerable.Range(0, set.Count).Select(i => set[i].Key);
}
