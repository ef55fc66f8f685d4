using Vivim.Ledger.Snapshots;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Tests.Ledger;

namespace Vivim.Tests.StateSync;

/// <summary>A chain of random traffic, whose validators change, with a snapshot of it at a height; small chunks, so that there are many.</summary>
internal sealed class SnapshotSource : IDisposable
{
    private const int ChunkLimit = 700;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-snapshot-");
    private readonly SqliteStateStore values;
    private readonly RandomTraffic traffic;

    public SnapshotSource(int seed, ulong height, ulong blocksAfter = 4)
    {
        values = new SqliteStateStore(StateDatabase);
        traffic = new RandomTraffic(seed);
        Chain = RandomTraffic.NewChain(values: values);
        Folder = new SnapshotFolder(Path.Combine(folder.FullName, "snapshots"), keep: 2);
        while (Chain.Ledger.Tip.Height < height) Commit();
        Draft = Cut() ?? throw new InvalidOperationException("not cut");
        for (var i = 0UL; i < blocksAfter; i++) Commit();
        if (blocksAfter > 0) Assert.True(Folder.Complete(Draft, Chain.Chain));
    }

    public TestChain Chain { get; }

    public GenesisFile Genesis => Chain.Genesis;

    public SnapshotFolder Folder { get; }

    public SnapshotDraft Draft { get; }

    public string StateDatabase => Path.Combine(folder.FullName, "state.db");

    public SnapshotOffer Offer => Folder.Offers[0];

    public SnapshotManifest Manifest => SnapshotManifest.FromBytes(Folder.ReadManifest(Offer.Id));

    public byte[] Chunk(int index) => Folder.ReadChunk(Offer.Id, index, out _)!;

    public IEnumerable<KeyValuePair<byte[], byte[]>> Rows() => Enumerable.Range(0, Manifest.Chunks.Count).SelectMany(i => ChunkBody.Open(Manifest.Chunks, i, Chunk(i)));

    /// <summary>Flushes the state and cuts it.</summary>
    public SnapshotDraft? Cut()
    {
        var flush = Chain.Ledger.BeginFlush()!;
        Chain.Ledger.WriteFlush(flush);
        Chain.Ledger.CompleteFlush(flush);
        return Folder.Cut(StateDatabase, flush.Height, ChunkLimit);
    }

    public Block Commit()
    {
        var block = Chain.Assemble(traffic.Next(Chain.NextHeight, most: 40), [.. traffic.NextEvidence(Chain.NextHeight)]);
        Chain.Commit(block);
        traffic.Included(block.Transactions.Select(TestChain.Decode));
        return block;
    }

    public void Dispose()
    {
        values.Dispose();
        folder.Delete(recursive: true);
    }
}
