using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Merkle;
using Vivim.Protocol.Transactions;

namespace Vivim.Protocol.Blocks;

/// <summary>A header, the transactions and evidence it commits to, and the parent's certificate (null at height 1).</summary>
public sealed record Block(BlockHeader Header, IReadOnlyList<TransactionEnvelope> Transactions, IReadOnlyList<Evidence> Evidence, CommitCertificate? ParentCertificate)
{
    /// <summary>No chain's limit on a block is above this, in bytes.</summary>
    public const int MaxSize = 16 << 20;

    /// <summary>What the transactions of a block may take of <see cref="MaxSize"/>: the rest is enough for the largest header, evidence and certificate.</summary>
    public const int MaxTransactionsSize = MaxSize - (128 << 10);

    /// <summary>No block holds more evidence.</summary>
    public const int MaxEvidence = 64;

    /// <summary>The header's hash.</summary>
    public Hash256 Id => Header.Id;

    /// <summary>RFC 6962 root over the envelopes' encodings.</summary>
    public static Hash256 TransactionRootOf(IReadOnlyList<TransactionEnvelope> transactions) => MerkleTree.Root(MerkleTree.LeafHashes(transactions, 512, static (t, w) => t.Encode(w)));

    /// <summary>RFC 6962 root over the evidence's encodings.</summary>
    public static Hash256 EvidenceRootOf(IReadOnlyList<Evidence> evidence) => MerkleTree.Root(MerkleTree.LeafHashes(evidence, 512, static (e, w) => e.Encode(w)));

    /// <summary>What the header commits to as the parent's certificate.</summary>
    public static Hash256 HashOf(CommitCertificate? parentCertificate) => parentCertificate?.Hash ?? Hash256.Zero;

    /// <summary>
    /// Whether transactions, evidence and certificate are those the header commits to: then everybody who has a block of this id has the same.
    /// To be asked before trusting a block by its id. Null when they are, else a sentence.
    /// </summary>
    public string? BodyProblem() =>
        Header.TransactionRoot != TransactionRootOf(Transactions) ? "its transactions are not those its header commits to"
        : Header.EvidenceRoot != EvidenceRootOf(Evidence) ? "its evidence is not that its header commits to"
        : Header.ParentCertificateHash != HashOf(ParentCertificate) ? "its parent's certificate is not the one its header commits to"
        : null;

    public byte[] ToBytes()
    {
        var writer = new CanonicalWriter(1024 + Transactions.Sum(t => t.Size));
        Header.Encode(writer);
        writer.U32((uint)Transactions.Count);
        foreach (var transaction in Transactions) transaction.Encode(writer);
        writer.U32((uint)Evidence.Count);
        foreach (var evidence in Evidence) evidence.Encode(writer);
        writer.U8(ParentCertificate is null ? (byte)0 : (byte)1);
        ParentCertificate?.Encode(writer);
        return writer.ToArray();
    }

    /// <summary>Decodes a block; checks form only.</summary>
    /// <exception cref="MalformedException">Not a block, too large, or bytes left over.</exception>
    public static Block FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxSize) throw new MalformedException($"a block of {bytes.Length} bytes, at most {MaxSize} allowed");
        var reader = new CanonicalReader(bytes);
        var header = BlockHeader.Decode(ref reader);
        var transactions = new TransactionEnvelope[reader.Count(int.MaxValue, TransactionEnvelope.Overhead)];
        for (var i = 0; i < transactions.Length; i++) transactions[i] = TransactionEnvelope.Decode(ref reader);
        var evidence = new Evidence[reader.Count(MaxEvidence, Consensus.Evidence.MinSize)];
        for (var i = 0; i < evidence.Length; i++) evidence[i] = Consensus.Evidence.Decode(ref reader);
        var certificate = reader.U8() switch
        {
            0 => null,
            1 => CommitCertificate.Decode(ref reader),
            var other => throw new MalformedException($"{other} says neither no certificate (0) nor one (1)"),
        };
        reader.End();
        return new Block(header, transactions, evidence, certificate);
    }
}
