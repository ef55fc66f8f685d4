using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;

namespace Vivim.Simulator.Oracle;

/// <summary>The chain as the oracle has seen it become final, block by block, each judged by the specification.</summary>
internal sealed class ChainOfRecord(GenesisFacts genesis, ISignatureScheme scheme)
{
    private readonly List<Entry> entries = [];
    private readonly Dictionary<string, ulong> nonces = [];
    private readonly HashSet<(PublicKey Validator, ulong Height, uint Round, VoteType Type)> punished = [];
    private readonly ProposerOrder proposers = new(genesis.Members);
    private readonly MemberSchedule schedule = new(genesis.Members);

    public ulong Height => (ulong)entries.Count;

    private sealed record Entry(byte[] Bytes, Block Block, Decision Decision, byte[] Certificate, StateRoots Roots);

    public IReadOnlyList<Member> MembersAt(ulong height) => schedule.At(height);

    /// <summary>A node says that a block is final.</summary>
    /// <returns>What it disagrees with, or null.</returns>
    public Disagreement? Commit(string who, ulong height, byte[] bytes, byte[] certificateBytes, StateRoots roots, SafetyOracle oracle)
    {
        var certificate = CommitCertificate.FromBytes(certificateBytes);
        if (height <= Height)
        {
            var known = entries[(int)height - 1];
            if (known.Certificate.AsSpan().SequenceEqual(certificateBytes) is false || !known.Bytes.AsSpan().SequenceEqual(bytes))
            {
                var decision = Judge(who, certificate, height, Block.FromBytes(bytes).Id);
                if (decision.BlockId != known.Decision.BlockId) return new Disagreement(height, known.Decision, decision);
                if (!known.Bytes.AsSpan().SequenceEqual(bytes)) throw new ViolationException("agreement", $"{who} holds another body of block {height}");
            }

            if (known.Roots != roots) throw new ViolationException("roots", $"{who} computed other roots from block {height} than others");
            return null;
        }

        if (height != Height + 1) throw new ViolationException("order", $"{who} committed height {height} after {Height}");
        var block = Block.FromBytes(bytes);
        var decided = Judge(who, certificate, height, block.Id);
        Check(block, oracle);
        schedule.Extend(block);
        proposers.Advance(schedule.At(height + 1));
        entries.Add(new Entry(bytes, block, decided, certificateBytes, roots));
        return null;
    }

    /// <summary>A certificate counts when more than two thirds of the power have signed for the block.</summary>
    private Decision Judge(string who, CommitCertificate certificate, ulong height, Hash256 blockId)
    {
        var members = schedule.At(height).OrderBy(member => member.Key).ToList();
        var signed = Vote.SignedBytes(VoteType.Precommit, height, certificate.Round, blockId, genesis.ChainId);
        var signers = new HashSet<int>();
        foreach (var (index, signature) in certificate.Signatures)
        {
            if (index >= members.Count || !signers.Add(index) || !scheme.Verifies(members[index].Key, signed, signature))
                throw new ViolationException("certificate", $"{who} committed {blockId} at height {height} with a wrong signature {index}");
        }

        if (certificate.Height != height || certificate.BlockId != blockId || !Power.IsMoreThanTwoThirds(Power.Of(signers.Select(i => members[i])), Power.Of(members)))
            throw new ViolationException("certificate", $"{who} committed {blockId} at height {height} with {signers.Count} of {members.Count} signatures");
        return new Decision(blockId, certificate.Round, [.. signers.Order().Select(i => members[i].Key)]);
    }

    private void Check(Block block, SafetyOracle oracle)
    {
        var header = block.Header;
        var parent = entries.Count == 0 ? null : entries[^1];
        Require(header.ChainId == genesis.ChainId && header.Height == Height + 1, "height or chain");
        Require(header.Parent == (parent?.Decision.BlockId ?? genesis.Hash), "parent");
        Require(parent is null || header.Time > parent.Block.Header.Time, "time");
        Require(header.Proposer == proposers.Of(header.Round), $"proposer {header.Proposer} of round {header.Round}");
        Require(header.ValidatorSetHash == MemberSchedule.Hash(schedule.At(header.Height)), "validator set");
        Require(header.NextValidatorSetHash == MemberSchedule.Hash(schedule.At(header.Height + 1)), "next validator set");
        Require(header.TransactionRoot == MerkleRoot.Of([.. block.Transactions.Select(t => Bytes(t.Encode))]), "transaction root");
        Require(header.EvidenceRoot == MerkleRoot.Of([.. block.Evidence.Select(e => Bytes(e.Encode))]), "evidence root");
        Require(parent is null ? block.ParentCertificate is null && header.ParentCertificateHash.IsZero : block.ParentCertificate is not null && header.ParentCertificateHash == Hash256.Of(block.ParentCertificate.ToBytes()), "parent certificate");
        if (parent is not null)
        {
            Judge("a header", block.ParentCertificate!, header.Height - 1, parent.Decision.BlockId);
            Require(header.StateRoot == parent.Roots.State && header.ReceiptRoot == parent.Roots.Receipts && header.EventRoot == parent.Roots.Events, "state, receipt or event root");
        }

        foreach (var envelope in block.Transactions) Include(envelope, header.Height, oracle);
        foreach (var evidence in block.Evidence) Punish(evidence, header.Height, oracle);

        void Require(bool holds, string what)
        {
            if (!holds) throw new ViolationException("validity", $"block {header.Height} is final, but its {what} is wrong");
        }
    }

    private void Include(TransactionEnvelope envelope, ulong height, SafetyOracle oracle)
    {
        if (!Transaction.TryDecode(envelope, out var transaction, out _)) throw new ViolationException("validity", $"block {height} has a malformed transaction");
        if (oracle.Acknowledgements.Committed(transaction.Id, height) is { } problem) throw new ViolationException("transactions", $"block {height}: {problem}");
        var sender = transaction.Sender.ToString();
        var next = nonces.GetValueOrDefault(sender);
        if (transaction.Nonce != next) throw new ViolationException("nonces", $"block {height} has nonce {transaction.Nonce} of {sender}, the next is {next}");
        nonces[sender] = next + 1;
    }

    private void Punish(Evidence evidence, ulong height, SafetyOracle oracle)
    {
        var vote = evidence.First;
        if (oracle.EvidenceProblem(evidence) is { } problem) throw new ViolationException("evidence", $"block {height} accuses {vote.Validator}: {problem}");
        if (!punished.Add((vote.Validator, vote.Height, vote.Round, vote.Type))) throw new ViolationException("evidence", $"block {height} punishes {vote.Validator} again for {vote.Height}/{vote.Round}");
    }

    private static byte[] Bytes(Action<CanonicalWriter> encode)
    {
        var writer = new CanonicalWriter();
        encode(writer);
        return writer.ToArray();
    }
}
