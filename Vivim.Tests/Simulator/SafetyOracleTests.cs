using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;
using Vivim.Simulator.Clients;
using Vivim.Simulator.Keys;
using Vivim.Simulator.Oracle;

namespace Vivim.Tests.Simulator;

/// <summary>Every check of the oracle can fail: each is shown a run in which its promise is broken.</summary>
public sealed class SafetyOracleTests
{
    private const string ChainId = Traffic.ChainId;

    private static readonly SimulatedKey[] Keys = [.. Enumerable.Range(0, 4).Select(i => new SimulatedKey(ValidatorKeys.Real(i), usesHash: true)).OrderBy(key => key.PublicKey)];
    private static readonly Member[] Members = [.. Keys.Select(key => new Member(key.PublicKey, 10))];
    private static readonly Hash256 Genesis = Hash256.Of("genesis"u8);
    private static readonly Hash256 X = Hash256.Of("x"u8);
    private static readonly Hash256 Y = Hash256.Of("y"u8);
    private static readonly StateRoots Roots = new(X, X, X);

    private readonly SafetyOracle oracle = new(new GenesisFacts(ChainId, Genesis, Members), new KeyedHashScheme(Keys)) { HoldLimit = 100 };

    [Fact]
    public void A_good_chain_is_accepted()
    {
        Commit(0, First());
        Commit(1, First());
        Commit(0, Second(First()));
        Assert.Equal(2UL, oracle.Height);
    }

    [Fact]
    public void Two_blocks_at_one_height()
    {
        Commit(0, First());
        Expect("agreement", () => Commit(1, First(time: 3)));
    }

    [Fact]
    public void Two_blocks_at_one_height_by_too_many_liars_are_kept_for_the_auditor()
    {
        oracle.AllowsForks = true;
        Commit(0, First());
        Commit(1, First(time: 3));
        Assert.Equal(1UL, oracle.Disagreement?.Height);
    }

    [Fact]
    public void A_certificate_of_too_few() => Expect("certificate", () => Commit(0, First(), signers: [0, 1]));

    [Fact]
    public void A_certificate_that_counts_one_twice() => Expect("certificate", () => Commit(0, First(), signers: [0, 1, 1]));

    [Fact]
    public void A_certificate_with_a_forged_signature() => Expect("certificate", () => Commit(0, First(), signers: [0, 1, 2], forger: 3));

    [Fact]
    public void Other_roots()
    {
        Commit(0, First());
        Expect("roots", () => Commit(1, First(), roots: new StateRoots(Y, X, X)));
    }

    [Fact]
    public void A_header_with_another_state_root()
    {
        Commit(0, First());
        Expect("validity", () => Commit(0, Second(First(), header => header with { StateRoot = Y })));
    }

    [Fact]
    public void A_proposer_out_of_turn() => Expect("validity", () => Commit(0, First(proposer: 1)));

    [Fact]
    public void A_transaction_that_nobody_has_sent() => Expect("transactions", () => Commit(0, First(transactions: [Registration])));

    [Fact]
    public void A_transaction_that_is_executed_twice()
    {
        Submit(Registration);
        var first = First(transactions: [Registration]);
        Commit(0, first);
        Expect("transactions", () => Commit(0, Second(first, transactions: [Registration])));
    }

    [Fact]
    public void A_nonce_that_is_left_out()
    {
        var later = Traffic.Instance.People[0][2].Transaction.Envelope;
        Submit(later);
        Expect("nonces", () => Commit(0, First(transactions: [later])));
    }

    [Fact]
    public void An_acknowledged_transaction_that_is_lost()
    {
        Submit(Registration);
        var id = Registration.IdOn(ChainId);
        oracle.Acknowledgements.Acknowledged(id);
        Assert.Equal([id], oracle.Acknowledgements.Unsettled(10));
        Commit(0, First(transactions: [Registration]));
        Assert.Empty(oracle.Acknowledgements.Unsettled(10));
    }

    [Fact]
    public void A_key_that_signs_two_votes_for_a_step()
    {
        Send(0, VoteType.Prevote, 0, X);
        Send(0, VoteType.Prevote, 0, X);
        Expect("double-sign", () => Send(0, VoteType.Prevote, 0, null));
    }

    [Fact]
    public void A_key_that_signs_two_proposals_for_a_round()
    {
        oracle.Sent(0, new ConsensusMessage.Proposed(Proposal.Sign(1, 0, -1, X, ChainId, Keys[0]), null));
        Expect("double-sign", () => oracle.Sent(0, new ConsensusMessage.Proposed(Proposal.Sign(1, 0, -1, Y, ChainId, Keys[0]), null)));
    }

    [Fact]
    public void A_precommit_without_a_polka()
    {
        Send(1, VoteType.Prevote, 0, X);
        Expect("lock", () => Send(0, VoteType.Precommit, 0, X));
    }

    [Fact]
    public void A_lock_that_is_forgotten()
    {
        foreach (var i in (int[])[0, 1, 2]) Send(i, VoteType.Prevote, 0, X);
        foreach (var i in (int[])[0, 1, 2]) Send(i, VoteType.Precommit, 0, i == 0 ? X : null);
        Send(1, VoteType.Prevote, 1, Y);
        Expect("lock", () => Send(0, VoteType.Prevote, 1, Y));
    }

    [Fact]
    public void A_round_entered_too_early()
    {
        oracle.Distrust(1, Keys[1].PublicKey);
        Send(1, VoteType.Prevote, 7, X);
        Send(1, VoteType.Precommit, 7, X);
        Expect("round", () => Send(0, VoteType.Prevote, 7, null));
    }

    [Fact]
    public void A_vote_for_an_invalid_block()
    {
        oracle.Forged(X);
        Expect("judgement", () => Send(0, VoteType.Prevote, 0, X));
    }

    [Fact]
    public void An_accusation_of_the_innocent() => Expect("evidence", () => oracle.Accused(0, Equivocation(1)));

    [Fact]
    public void Evidence_that_is_committed_twice()
    {
        oracle.Distrust(1, Keys[1].PublicKey);
        var first = First(evidence: [Equivocation(1)]);
        Commit(0, first);
        Expect("evidence", () => Commit(0, Second(first, evidence: [Equivocation(1)])));
    }

    [Fact]
    public void Evidence_that_proves_nothing()
    {
        oracle.Distrust(1, Keys[1].PublicKey);
        var vote = SignedVote(1, VoteType.Prevote, 0, X);
        Expect("evidence", () => Commit(0, First(evidence: [new Evidence(vote, vote)])));
    }

    [Fact]
    public void A_memory_that_grows()
    {
        oracle.Held(0, 100);
        Expect("memory", () => oracle.Held(0, 101));
    }

    [Fact]
    public void A_peer_that_is_blamed_for_nothing() => Expect("blame", () => oracle.Blamed(0, 1, "it is slow"));

    private static TransactionEnvelope Registration => Traffic.Instance.People[0][0].Transaction.Envelope;

    private static void Expect(string check, Action broken) => Assert.Equal(check, Assert.Throws<ViolationException>(broken).Violation.Check);

    private static Vote SignedVote(int by, VoteType type, uint round, Hash256? block) => Vote.Sign(type, 1, round, block, ChainId, Keys[by]);

    private static Evidence Equivocation(int by) => new(SignedVote(by, VoteType.Prevote, 0, X), SignedVote(by, VoteType.Prevote, 0, Y));

    private static Block First(int proposer = 0, long time = 1, TransactionEnvelope[]? transactions = null, Evidence[]? evidence = null) =>
        Make(1, Genesis, proposer, time, transactions ?? [], evidence ?? [], null);

    private static Block Second(Block first, Func<BlockHeader, BlockHeader>? change = null, TransactionEnvelope[]? transactions = null, Evidence[]? evidence = null)
    {
        var block = Make(2, first.Id, 1, 10, transactions ?? [], evidence ?? [], Certify(first, [0, 1, 2], null));
        return block with { Header = (change ?? (header => header))(block.Header) };
    }

    private static Block Make(ulong height, Hash256 parent, int proposer, long time, TransactionEnvelope[] transactions, Evidence[] evidence, CommitCertificate? certificate)
    {
        var members = MemberSchedule.Hash(Members);
        var header = new BlockHeader
        {
            Version = BlockHeader.CurrentVersion,
            RulesVersion = 1,
            ChainId = ChainId,
            Height = height,
            Round = 0,
            Time = time,
            Parent = parent,
            TransactionRoot = MerkleRoot.Of([.. transactions.Select(t => Encoded(t.Encode))]),
            ValidatorSetHash = members,
            NextValidatorSetHash = members,
            Proposer = Keys[proposer].PublicKey,
            EvidenceRoot = MerkleRoot.Of([.. evidence.Select(e => Encoded(e.Encode))]),
            ParentCertificateHash = certificate?.Hash ?? Hash256.Zero,
            StateRoot = height == 1 ? Hash256.Zero : Roots.State,
            ReceiptRoot = height == 1 ? Hash256.Zero : Roots.Receipts,
            EventRoot = height == 1 ? Hash256.Zero : Roots.Events,
        };
        return new Block(header, transactions, evidence, certificate);
    }

    private static byte[] Encoded(Action<CanonicalWriter> encode)
    {
        var writer = new CanonicalWriter();
        encode(writer);
        return writer.ToArray();
    }

    private static CommitCertificate Certify(Block block, int[] signers, int? forger)
    {
        var signed = Vote.SignedBytes(VoteType.Precommit, block.Header.Height, 0, block.Id, ChainId);
        return new CommitCertificate(block.Header.Height, 0, block.Id, [.. signers.Select(i => new CommitSignature((ushort)i, Keys[forger ?? i].Sign(signed)))]);
    }

    private void Commit(int node, Block block, int[]? signers = null, int? forger = null, StateRoots? roots = null) =>
        oracle.Committed(node, block.Header.Height, block.ToBytes(), Certify(block, signers ?? [0, 1, 2], forger).ToBytes(), roots ?? Roots);

    private void Submit(TransactionEnvelope envelope) => oracle.Acknowledgements.Submitted(envelope.IdOn(ChainId), 5_000);

    private void Send(int from, VoteType type, uint round, Hash256? block) => oracle.Sent(from, new ConsensusMessage.Voted(SignedVote(from, type, round, block)));
}
