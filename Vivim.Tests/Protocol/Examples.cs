using Vivim.Ledger.Execution;
using Vivim.Ledger.Snapshots;
using Vivim.Ledger.State;
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

/// <summary>One of each encoded type: the examples of docs/spec/encoding.md, and what the decoders are fuzzed with.</summary>
internal static class Examples
{
    public static readonly Person Alice = new("alice");
    public static readonly Person Bob = new("bob");
    public static readonly Person Validator = new("validator");
    public static readonly Hash256 Digest = Hash256.Of("digest"u8);
    public static readonly GenesisFile Genesis = TestChain.GenesisWith(TestChain.Parameters);
    public static readonly TransactionEnvelope Registration = Alice.Register();
    public static readonly TransactionEnvelope Follow = Alice.Follow(Bob.Did, nonce: 7, expiry: 300);
    public static readonly Vote Prevote = Vote.Sign(VoteType.Prevote, 5, 1, blockId: null, TestChain.ChainId, TestChain.Validator);
    public static readonly Vote Precommit = Vote.Sign(VoteType.Precommit, 5, 1, Digest, TestChain.ChainId, TestChain.Validator);
    public static readonly Proposal Proposal = Proposal.Sign(5, 1, -1, Digest, TestChain.ChainId, TestChain.Validator);
    public static readonly CallerToken Token = CallerToken.Sign(TestChain.ChainId, Alice.Key, TestChain.GenesisTime, CallerToken.MaxLifetime);
    public static readonly CommitCertificate Certificate = new(4, 0, Digest, [new CommitSignature(0, Precommit.Signature), new CommitSignature(258, Prevote.Signature)]);
    public static readonly ValidatorSet Validators = new([new Validator(TestChain.Validator.PublicKey, 10), new Validator(Alice.Key.PublicKey, 1)]);
    public static readonly Evidence Evidence = Validator.Equivocate(5, 1);
    public static readonly Receipt Receipt = new(Digest, 5, 3, ReceiptCode.AlreadyFollowing, 0);
    public static readonly LedgerEvent Event = new(5, 2, LedgerEventType.Followed, Alice.Did, Bob.Did, Digest);
    public static readonly AccountRecord Account = new(9, 3, 8, 70_000, 2);
    public static readonly IdentityRecord Identity = new(Alice.Key.PublicKey, [Bob.Key.PublicKey, TestChain.Validator.PublicKey], 5);
    public static readonly EdgeRecord Edge = new(new EventCursor(5, 2));
    public static readonly TransactionEnvelope Proposing = Validator.Propose(Bob, 5, nonce: 3, expiry: 300);
    public static readonly TransactionEnvelope Approving = Alice.Approve(Validator, Proposing, nonce: 4, expiry: 300);
    public static readonly ValidatorProposal ValidatorProposal = new(Proposing.IdOn(TestChain.ChainId), Bob.Key.PublicKey, 5, 6, [TestChain.Validator.PublicKey, Alice.Key.PublicKey]);
    public static readonly Dictionary<byte[], byte[]?> Schedule = new(
        ValidatorSchedule.Of(Validators).With(7, ProposerRotation.Start(Validators).Next(), 0).ChangesFrom(before: null), KeyComparer.Instance);
    public static readonly Dictionary<byte[], byte[]?> Changes = new(KeyComparer.Instance) { [[1, 2]] = [3], [[1]] = null };

    public static readonly BlockHeader Header = new()
    {
        Version = BlockHeader.CurrentVersion,
        RulesVersion = 1,
        ChainId = TestChain.ChainId,
        Height = 5,
        Round = 1,
        Time = TestChain.GenesisTime,
        Parent = Hash256.Of("parent"u8),
        TransactionRoot = Block.TransactionRootOf([Registration, Follow]),
        ValidatorSetHash = Validators.Hash,
        NextValidatorSetHash = Validators.Hash,
        Proposer = TestChain.Validator.PublicKey,
        EvidenceRoot = MerkleTree.EmptyRoot,
        ParentCertificateHash = Certificate.Hash,
        StateRoot = Hash256.Of("state"u8),
        ReceiptRoot = MerkleTree.EmptyRoot,
        EventRoot = MerkleTree.EmptyRoot,
    };

    public static readonly Block Block = new(Header, [Registration, Follow], [Evidence], Certificate);

    /// <summary>Proves Alice's account, the absence of Bob's, and the receipt of Alice's registration.</summary>
    public static readonly ProofFile ProofFile = MakeProofFile();

    /// <summary>Its parts do not belong together: an example of form.</summary>
    public static readonly SnapshotManifest Manifest = new(
        ProofFile with { Entries = [] },
        new BlockRecord(5, Block.ToBytes(), Certificate.ToBytes(), Encode(Receipt.Encode), Encode(Event.Encode)),
        new ChunkMap([new ChunkEntry(1, 0, 0, Jellyfish.Placeholder), new ChunkEntry(2, 3, 200, Digest), new ChunkEntry(2, 1, 60, Digest)]));

    public static byte[] Encode(Action<CanonicalWriter> encode)
    {
        var writer = new CanonicalWriter();
        encode(writer);
        return writer.ToArray();
    }

    private static ProofFile MakeProofFile()
    {
        var chain = new TestChain();
        var receipts = chain.Commit([Registration, Bob.Register()]).Receipts;
        chain.Commit();
        var file = chain.Ledger.Prove([StateKey.Account(Alice.KeyDid), StateKey.Account(Bob.Did)])!;
        var leaves = MerkleTree.LeafHashes(receipts, Receipt.Size, static (r, w) => r.Encode(w));
        return file with { Entries = [.. file.Entries, new ProofEntry.Included(receipts[0], (uint)receipts.Count, MerkleTree.InclusionProof(leaves, 0))] };
    }
}
