using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Merkle;
using Vivim.Protocol.Transactions;

namespace Vivim.Protocol.Proofs;

/// <summary>The header after which another validator set rules, with the certificate of the set before, and the new set.</summary>
public sealed record ValidatorSetChange(BlockHeader Header, CommitCertificate Certificate, ValidatorSet Next)
{
    internal const int MinSize = 256;

    public void Encode(CanonicalWriter writer)
    {
        Header.Encode(writer);
        Certificate.Encode(writer);
        Next.Encode(writer);
    }

    /// <exception cref="MalformedException">Cut short, or not a change.</exception>
    public static ValidatorSetChange Decode(ref CanonicalReader reader) => new(BlockHeader.Decode(ref reader), CommitCertificate.Decode(ref reader), ValidatorSet.Decode(ref reader));
}

/// <summary>One thing that a <see cref="ProofFile"/> proves.</summary>
public abstract record ProofEntry
{
    private ProofEntry()
    {
    }

    /// <summary>A key's value, or its absence, in the state after the header's parent.</summary>
    public sealed record State(StateProof Proof) : ProofEntry;

    /// <summary>A receipt of the header's parent block: position, number of receipts, audit path (RFC 6962 §2.1.1).</summary>
    public sealed record Included(Receipt Receipt, uint Count, IReadOnlyList<Hash256> Path) : ProofEntry;
}

/// <summary>
/// A proof that needs no network and trusts nobody but the genesis (docs/spec/encoding.md): a header, its certificate, the validator-set
/// changes since the genesis, and what is proven against the header. Signatures and hashes bind all that is proven. Two
/// things they leave open: which absent key is asked for, and a receipt's count, which only shapes its path; the digest
/// at the end notices when damage changes those.
/// </summary>
public sealed record ProofFile(BlockHeader Header, CommitCertificate Certificate, IReadOnlyList<ValidatorSetChange> SetChanges, IReadOnlyList<ProofEntry> Entries)
{
    /// <summary>No proof file is larger, in bytes.</summary>
    public const int MaxSize = 4 << 20;

    /// <summary>No proof file has more entries.</summary>
    public const int MaxEntries = 1_024;

    private const int MaxSetChanges = 10_000;
    private const byte StateTag = 1;
    private const byte ReceiptTag = 2;

    private static ReadOnlySpan<byte> Magic => "VIVIMPRF"u8;

    /// <summary>Checks everything against a genesis.</summary>
    /// <returns>What is proven, to be asked by key.</returns>
    /// <exception cref="ProofException">It does not hold; the message says what is wrong.</exception>
    public ProvenFacts Verify(GenesisFile genesis)
    {
        var validators = genesis.ValidatorSet;
        var height = 0UL;
        foreach (var change in SetChanges)
        {
            if (change.Header.Height <= height) throw new ProofException($"the validator-set change of height {change.Header.Height} does not come after the one of {height}");
            height = change.Header.Height;
            VerifyHeader(change.Header, change.Certificate, genesis.ChainId, validators);
            if (change.Next.Hash == validators.Hash || change.Header.NextValidatorSetHash != change.Next.Hash)
                throw new ProofException($"the header of height {change.Header.Height} does not change to the validator set given");
            validators = change.Next;
        }

        if (Header.Height <= height) throw new ProofException($"the header of height {Header.Height} does not come after the validator-set change of {height}");
        VerifyHeader(Header, Certificate, genesis.ChainId, validators);
        foreach (var entry in Entries)
        {
            switch (entry)
            {
                case ProofEntry.State state:
                    state.Proof.Verify(Header.StateRoot);
                    break;
                case ProofEntry.Included included:
                    VerifyReceipt(included);
                    break;
            }
        }

        return new ProvenFacts(this);
    }

    public byte[] ToBytes()
    {
        var writer = new CanonicalWriter(2048).Raw(Magic);
        Header.Encode(writer);
        Certificate.Encode(writer);
        writer.U32((uint)SetChanges.Count);
        foreach (var change in SetChanges) change.Encode(writer);

        writer.U32((uint)Entries.Count);
        foreach (var entry in Entries) Encode(entry, writer);
        return writer.Hash(Hash256.Of(writer.Written)).ToArray();
    }

    /// <summary>Decodes a proof file without checking what it proves.</summary>
    /// <exception cref="MalformedException">Not a proof file.</exception>
    public static ProofFile FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxSize) throw new MalformedException($"a proof file of {bytes.Length} bytes, at most {MaxSize} allowed");
        var reader = new CanonicalReader(bytes);
        if (!reader.Raw(Magic.Length).SequenceEqual(Magic)) throw new MalformedException("not a VIVIM proof file");
        if (reader.Remaining < Hash256.Size || Hash256.Of(bytes[..^Hash256.Size]) != new Hash256(bytes[^Hash256.Size..]))
            throw new MalformedException("the proof file is damaged: the digest at its end is another");
        var header = BlockHeader.Decode(ref reader);
        var certificate = CommitCertificate.Decode(ref reader);
        var changes = new ValidatorSetChange[reader.Count(MaxSetChanges, ValidatorSetChange.MinSize)];
        for (var i = 0; i < changes.Length; i++) changes[i] = ValidatorSetChange.Decode(ref reader);
        var entries = new ProofEntry[reader.Count(MaxEntries, 1)];
        for (var i = 0; i < entries.Length; i++) entries[i] = DecodeEntry(ref reader);
        reader.Hash();
        reader.End();
        return new ProofFile(header, certificate, changes, entries);
    }

    private static void VerifyHeader(BlockHeader header, CommitCertificate certificate, string chainId, ValidatorSet validators)
    {
        if (header.ChainId != chainId) throw new ProofException($"the header is of the chain '{header.ChainId}', the genesis of '{chainId}'");
        if (header.ValidatorSetHash != validators.Hash) throw new ProofException($"the header of height {header.Height} names another validator set than the genesis leads to");
        if (certificate.Height != header.Height || certificate.BlockId != header.Id) throw new ProofException($"the certificate is not for the header of height {header.Height}");
        if (certificate.Verify(chainId, validators, Ed25519Scheme.Instance) is { } problem) throw new ProofException(problem);
    }

    private void VerifyReceipt(ProofEntry.Included included)
    {
        if (included.Receipt.Height != Header.Height - 1) throw new ProofException($"the receipt is of height {included.Receipt.Height}, the header certifies {Header.Height - 1}");
        var writer = new CanonicalWriter(Receipt.Size);
        included.Receipt.Encode(writer);
        if (!MerkleTree.VerifyInclusion(MerkleTree.LeafHash(writer.Written), included.Receipt.Index, included.Count, [.. included.Path], Header.ReceiptRoot))
            throw new ProofException("the receipt is not under the header's receipt root");
    }

    private static void Encode(ProofEntry entry, CanonicalWriter writer)
    {
        switch (entry)
        {
            case ProofEntry.State state:
                writer.U8(StateTag);
                state.Proof.Encode(writer);
                break;
            case ProofEntry.Included included:
                writer.U8(ReceiptTag);
                included.Receipt.Encode(writer);
                writer.U32(included.Count).U8((byte)included.Path.Count);
                foreach (var hash in included.Path) writer.Hash(hash);
                break;
        }
    }

    private static ProofEntry DecodeEntry(ref CanonicalReader reader)
    {
        var tag = reader.U8();
        if (tag == StateTag) return new ProofEntry.State(StateProof.Decode(ref reader));
        if (tag != ReceiptTag) throw new MalformedException($"{tag} at {reader.Position - 1} is not a kind of proof");
        var receipt = Receipt.Decode(ref reader);
        var count = reader.U32();
        var length = reader.U8();
        var hashes = new CanonicalReader(reader.Raw(length * Hash256.Size));
        var path = new Hash256[length];
        for (var i = 0; i < path.Length; i++) path[i] = hashes.Hash();
        return new ProofEntry.Included(receipt, count, path);
    }
}
