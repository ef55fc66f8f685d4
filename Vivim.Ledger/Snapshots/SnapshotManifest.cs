using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Merkle;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Snapshots;

/// <summary>
/// Everything of a snapshot but the state itself: the next height's header with its certificate, which certify the state, led to from the genesis by
/// the validator-set changes; the block after which the state is; and how the state is cut (docs/spec/state-sync.md).
/// </summary>
/// <param name="Certified">A proof of nothing but its header, that of <see cref="Height"/> + 1.</param>
/// <param name="Base">The block of <see cref="Height"/>, as a node keeps it.</param>
public sealed record SnapshotManifest(ProofFile Certified, BlockRecord Base, ChunkMap Chunks)
{
    /// <summary>No manifest is longer, in bytes: one of a larger block or a longer history of validators is not offered.</summary>
    public const int MaxSize = SyncMessage.MaxManifestSize;

    private static ReadOnlySpan<byte> Magic => "VIVIMSNP"u8;

    /// <summary>The height after which the state is.</summary>
    public ulong Height => Base.Height;

    /// <summary>The root that the header certifies.</summary>
    public Hash256 StateRoot => Certified.Header.StateRoot;

    /// <summary>
    /// By which nodes name the snapshot: of its height, root and chunks. Whoever offers it can be held to every chunk. Nodes that cut the same state
    /// offer the same, whichever quorum's certificate each has.
    /// </summary>
    public Hash256 Id
    {
        get
        {
            var writer = new CanonicalWriter().Raw(Magic).U64(Height).Hash(StateRoot);
            Chunks.Encode(writer);
            return Hash256.Of(writer.Written);
        }
    }

    /// <summary>Checks everything against a genesis.</summary>
    /// <exception cref="SnapshotException">It does not hold; the message says what is wrong.</exception>
    public void Verify(GenesisFile genesis)
    {
        try
        {
            Certified.Verify(genesis);
            VerifyBase(genesis);
        }
        catch (Exception e) when (e is ProofException or MalformedException)
        {
            throw new SnapshotException(e.Message);
        }

        if (Chunks.Root.Hash != StateRoot) throw new SnapshotException($"its chunks fold to {Chunks.Root.Hash}, certified is the state {StateRoot}");
    }

    public byte[] ToBytes()
    {
        var writer = new CanonicalWriter(Base.Block.Length + 4096).Raw(Magic);
        writer.Bytes(Certified.ToBytes()).U64(Height).Bytes(Base.Block).Bytes(Base.Certificate).Bytes(Base.Receipts).Bytes(Base.Events);
        Chunks.Encode(writer);
        return writer.ToArray();
    }

    /// <summary>Reads a manifest. Its form alone is checked.</summary>
    /// <exception cref="MalformedException">Not a manifest, longer than <see cref="MaxSize"/>, or bytes left over.</exception>
    public static SnapshotManifest FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxSize) throw new MalformedException($"a manifest of {bytes.Length} bytes, at most {MaxSize} allowed");
        var reader = new CanonicalReader(bytes);
        if (!reader.Raw(Magic.Length).SequenceEqual(Magic)) throw new MalformedException("not a VIVIM snapshot");
        var certified = ProofFile.FromBytes(reader.Bytes(ProofFile.MaxSize));
        var block = new BlockRecord(reader.U64(), reader.Bytes(Block.MaxSize).ToArray(), reader.Bytes(MaxSize).ToArray(), reader.Bytes(MaxSize).ToArray(), reader.Bytes(MaxSize).ToArray());
        var chunks = ChunkMap.Decode(ref reader);
        reader.End();
        return new SnapshotManifest(certified, block, chunks);
    }

    private void VerifyBase(GenesisFile genesis)
    {
        var next = Certified.Header;
        if (Certified.Entries.Count != 0) throw new SnapshotException("its proof proves more than the header");
        if (Height == 0 || next.Height != Height + 1) throw new SnapshotException($"the header of height {next.Height} does not certify the state after {Height}");
        var block = Block.FromBytes(Base.Block);
        if (block.Header.Height != Height || block.Id != next.Parent) throw new SnapshotException($"its block is not the parent of the header of height {next.Height}");
        if (block.BodyProblem() is { } problem) throw new SnapshotException(problem);
        var certificate = CommitCertificate.FromBytes(Base.Certificate);
        if (certificate.Height != Height || certificate.BlockId != block.Id) throw new SnapshotException("its block's certificate is for another block");
        var validators = Certified.SetChanges.LastOrDefault(change => change.Header.Height < Height)?.Next ?? genesis.ValidatorSet;
        if (validators.Hash != block.Header.ValidatorSetHash) throw new SnapshotException("its block names another validator set than the genesis leads to");
        if (certificate.Verify(genesis.ChainId, validators, Ed25519Scheme.Instance) is { } refusal) throw new SnapshotException(refusal);
        var receipts = StoredReceipts.Decode(Base.Receipts);
        if (MerkleTree.Root(MerkleTree.LeafHashes(receipts, Receipt.Size, static (r, w) => r.Encode(w))) != next.ReceiptRoot) throw new SnapshotException("its receipts are not those certified");
        var events = StoredEvents.Decode(Base.Events);
        if (MerkleTree.Root(MerkleTree.LeafHashes(events, LedgerEvent.Size, static (e, w) => e.Encode(w))) != next.EventRoot) throw new SnapshotException("its events are not those certified");
    }
}
