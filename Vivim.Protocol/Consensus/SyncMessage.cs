using Vivim.Protocol.Blocks;
using Vivim.Protocol.Encoding;

namespace Vivim.Protocol.Consensus;

/// <summary>A final block and the certificate that says so.</summary>
public sealed record CertifiedBlock(Block Block, CommitCertificate Certificate);

/// <summary>What nodes tell each other so that one that is behind catches up (docs/spec/consensus.md).</summary>
public abstract partial record SyncMessage
{
    /// <summary>An answer holds at most this many blocks.</summary>
    public const int MaxBlocks = 64;

    /// <summary>An answer stops before a further block would take it above this, in bytes; the first block always goes.</summary>
    public const int PreferredSize = 4 << 20;

    /// <summary>No message is longer, in bytes.</summary>
    public const int MaxSize = PreferredSize + Block.MaxSize + (256 << 10);

    private const int MaxCertificateSize = 128 << 10;
    private const byte TipTag = 1;
    private const byte GetBlocksTag = 2;
    private const byte BlocksTag = 3;

    private SyncMessage()
    {
    }

    /// <summary>The last height that the sender has committed.</summary>
    public sealed record Tip(ulong Height) : SyncMessage;

    /// <summary>Send the blocks from this height on.</summary>
    public sealed record GetBlocks(ulong From) : SyncMessage;

    /// <summary>Blocks that follow each other; empty where the sender does not have the first one.</summary>
    public sealed record Blocks(IReadOnlyList<CertifiedBlock> Items) : SyncMessage;

    /// <summary>The canonical encoding.</summary>
    public byte[] ToBytes()
    {
        var writer = new CanonicalWriter();
        switch (this)
        {
            case Tip tip:
                writer.U8(TipTag).U64(tip.Height);
                break;
            case GetBlocks get:
                writer.U8(GetBlocksTag).U64(get.From);
                break;
            case Blocks blocks:
                writer.U8(BlocksTag).U32((uint)blocks.Items.Count);
                foreach (var (block, certificate) in blocks.Items) writer.Bytes(block.ToBytes()).Bytes(certificate.ToBytes());
                break;
            case Snapshot snapshot:
                EncodeSnapshot(snapshot, writer);
                break;
        }

        return writer.ToArray();
    }

    /// <summary>Reads a message. Its form alone is checked.</summary>
    /// <exception cref="MalformedException">Not a message, longer than <see cref="MaxSize"/>, or bytes left over.</exception>
    public static SyncMessage FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxSize) throw new MalformedException($"a sync message of {bytes.Length} bytes, at most {MaxSize} allowed");
        var reader = new CanonicalReader(bytes);
        SyncMessage message = reader.U8() switch
        {
            TipTag => new Tip(reader.U64()),
            GetBlocksTag => new GetBlocks(reader.U64()),
            BlocksTag => DecodeBlocks(ref reader),
            var tag => DecodeSnapshot(tag, ref reader),
        };
        reader.End();
        return message;
    }

    private static Blocks DecodeBlocks(ref CanonicalReader reader)
    {
        var items = new CertifiedBlock[reader.Count(MaxBlocks, 8)];
        for (var i = 0; i < items.Length; i++)
            items[i] = new CertifiedBlock(Block.FromBytes(reader.Bytes(Block.MaxSize)), CommitCertificate.FromBytes(reader.Bytes(MaxCertificateSize)));
        return new Blocks(items);
    }
}
