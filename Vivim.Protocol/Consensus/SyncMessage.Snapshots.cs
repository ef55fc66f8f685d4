using Vivim.Protocol.Encoding;

namespace Vivim.Protocol.Consensus;

/// <summary>A snapshot that a node has.</summary>
/// <param name="Height">The height after which its state is.</param>
/// <param name="Id">Names it, whoever has it (docs/spec/state-sync.md).</param>
public sealed record SnapshotOffer(ulong Height, Hash256 Id);

/// <summary>The messages by which a node gets a snapshot of the state.</summary>
public abstract partial record SyncMessage
{
    /// <summary>A node offers at most this many snapshots.</summary>
    public const int MaxOffers = 4;

    /// <summary>No manifest is longer, in bytes.</summary>
    public const int MaxManifestSize = MaxSize - 64;

    /// <summary>No chunk is longer, in bytes.</summary>
    public const int MaxChunkSize = 512 << 10;

    private const byte GetSnapshotsTag = 4;
    private const byte SnapshotsTag = 5;
    private const byte GetManifestTag = 6;
    private const byte ManifestTag = 7;
    private const byte GetChunkTag = 8;
    private const byte ChunkTag = 9;

    /// <summary>About snapshots, not blocks.</summary>
    public abstract record Snapshot : SyncMessage
    {
        private protected Snapshot()
        {
        }
    }

    /// <summary>Which snapshots do you have?</summary>
    public sealed record GetSnapshots : Snapshot;

    /// <summary>Those that the sender has; none where it has none.</summary>
    public sealed record Snapshots(IReadOnlyList<SnapshotOffer> Items) : Snapshot;

    /// <summary>Send a snapshot's manifest.</summary>
    public sealed record GetManifest(Hash256 Id) : Snapshot;

    /// <summary>A manifest; empty where the sender no longer has it.</summary>
    public sealed record Manifest(Hash256 Id, ReadOnlyMemory<byte> Bytes) : Snapshot;

    /// <summary>Send a chunk of a snapshot.</summary>
    public sealed record GetChunk(Hash256 Id, uint Index) : Snapshot;

    /// <summary>A chunk's body; empty where the sender no longer has it.</summary>
    public sealed record Chunk(Hash256 Id, uint Index, ReadOnlyMemory<byte> Body) : Snapshot;

    private static void EncodeSnapshot(Snapshot message, CanonicalWriter writer)
    {
        switch (message)
        {
            case GetSnapshots:
                writer.U8(GetSnapshotsTag);
                break;
            case Snapshots snapshots:
                writer.U8(SnapshotsTag).U32((uint)snapshots.Items.Count);
                foreach (var (height, id) in snapshots.Items) writer.U64(height).Hash(id);
                break;
            case GetManifest get:
                writer.U8(GetManifestTag).Hash(get.Id);
                break;
            case Manifest manifest:
                writer.U8(ManifestTag).Hash(manifest.Id).Bytes(manifest.Bytes.Span);
                break;
            case GetChunk get:
                writer.U8(GetChunkTag).Hash(get.Id).U32(get.Index);
                break;
            case Chunk chunk:
                writer.U8(ChunkTag).Hash(chunk.Id).U32(chunk.Index).Bytes(chunk.Body.Span);
                break;
        }
    }

    private static Snapshot DecodeSnapshot(byte tag, ref CanonicalReader reader) => tag switch
    {
        GetSnapshotsTag => new GetSnapshots(),
        SnapshotsTag => DecodeOffers(ref reader),
        GetManifestTag => new GetManifest(reader.Hash()),
        ManifestTag => new Manifest(reader.Hash(), reader.Bytes(MaxManifestSize).ToArray()),
        GetChunkTag => new GetChunk(reader.Hash(), reader.U32()),
        ChunkTag => new Chunk(reader.Hash(), reader.U32(), reader.Bytes(MaxChunkSize).ToArray()),
        _ => throw new MalformedException($"{tag} is not a kind of sync message"),
    };

    private static Snapshots DecodeOffers(ref CanonicalReader reader)
    {
        var items = new SnapshotOffer[reader.Count(MaxOffers, 8 + Hash256.Size)];
        for (var i = 0; i < items.Length; i++) items[i] = new SnapshotOffer(reader.U64(), reader.Hash());
        return new Snapshots(items);
    }
}
