using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;

namespace Vivim.Protocol.Blocks;

/// <summary>What validators sign for (DESIGN §5). Its hash is the block's id.</summary>
public sealed record BlockHeader
{
    /// <summary>The header's format. The only one so far.</summary>
    public const ushort CurrentVersion = 1;

    public required ushort Version { get; init; }

    /// <summary>The execution rules of this height.</summary>
    public required uint RulesVersion { get; init; }

    public required string ChainId { get; init; }

    /// <summary>1 for the first block.</summary>
    public required ulong Height { get; init; }

    /// <summary>The round in which the block was first proposed; a later proposal keeps it.</summary>
    public required uint Round { get; init; }

    /// <summary>The proposer's clock, in milliseconds since 1970 (UTC); later than the parent's.</summary>
    public required long Time { get; init; }

    /// <summary>The parent's id; the genesis hash at height 1.</summary>
    public required Hash256 Parent { get; init; }

    /// <summary>RFC 6962 root over the envelopes of this block.</summary>
    public required Hash256 TransactionRoot { get; init; }

    public required Hash256 ValidatorSetHash { get; init; }

    public required Hash256 NextValidatorSetHash { get; init; }

    public required PublicKey Proposer { get; init; }

    /// <summary>RFC 6962 root over the evidence of this block.</summary>
    public required Hash256 EvidenceRoot { get; init; }

    /// <summary>Hash of the parent's certificate; zero at height 1.</summary>
    public required Hash256 ParentCertificateHash { get; init; }

    /// <summary>The state tree's root after the parent.</summary>
    public required Hash256 StateRoot { get; init; }

    /// <summary>RFC 6962 root over the parent's receipts.</summary>
    public required Hash256 ReceiptRoot { get; init; }

    /// <summary>RFC 6962 root over the parent's events.</summary>
    public required Hash256 EventRoot { get; init; }

    /// <summary>SHA-256 of the canonical encoding.</summary>
    public Hash256 Id
    {
        get
        {
            var writer = new CanonicalWriter(512);
            Encode(writer);
            return Hash256.Of(writer.Written);
        }
    }

    public void Encode(CanonicalWriter writer) => writer
        .U16(Version).U32(RulesVersion).Text(ChainId).U64(Height).U32(Round).I64(Time)
        .Hash(Parent).Hash(TransactionRoot).Hash(ValidatorSetHash).Hash(NextValidatorSetHash).Raw(Proposer.Bytes)
        .Hash(EvidenceRoot).Hash(ParentCertificateHash).Hash(StateRoot).Hash(ReceiptRoot).Hash(EventRoot);

    /// <exception cref="MalformedException">Cut short, or another version.</exception>
    public static BlockHeader Decode(ref CanonicalReader reader)
    {
        var version = reader.U16();
        if (version != CurrentVersion) throw new MalformedException($"header version {version}, this program reads {CurrentVersion}");
        return new BlockHeader
        {
            Version = version,
            RulesVersion = reader.U32(),
            ChainId = reader.Text(Transaction.MaxChainIdLength),
            Height = reader.U64(),
            Round = reader.U32(),
            Time = reader.I64(),
            Parent = reader.Hash(),
            TransactionRoot = reader.Hash(),
            ValidatorSetHash = reader.Hash(),
            NextValidatorSetHash = reader.Hash(),
            Proposer = new PublicKey(reader.Raw(PublicKey.Size)),
            EvidenceRoot = reader.Hash(),
            ParentCertificateHash = reader.Hash(),
            StateRoot = reader.Hash(),
            ReceiptRoot = reader.Hash(),
            EventRoot = reader.Hash(),
        };
    }
}
