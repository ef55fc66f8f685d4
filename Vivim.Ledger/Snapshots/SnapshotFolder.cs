using System.Globalization;
using Vivim.Ledger.Storage;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Proofs;

namespace Vivim.Ledger.Snapshots;

/// <summary>A state that is cut, and waits for the next height's header to certify it.</summary>
public sealed record SnapshotDraft(ulong Height, ChunkMap Chunks);

/// <summary>
/// The snapshots that a node has to offer: for each a file of the chunks' bodies and one of the manifest, which is written last. Thread-safe: several
/// may read while one makes the next.
/// </summary>
public sealed class SnapshotFolder
{
    private const string ManifestSuffix = ".manifest";
    private const string ChunksSuffix = ".chunks";

    private readonly Lock gate = new();
    private readonly string path;
    private readonly int keep;
    private readonly SortedDictionary<ulong, Held> held = [];

    /// <summary>Opens or creates the folder; what a crash has left half made goes.</summary>
    /// <param name="keep">How many snapshots are kept, at least 1; the oldest go.</param>
    /// <exception cref="IOException">It cannot be used.</exception>
    public SnapshotFolder(string path, int keep)
    {
        this.path = path;
        this.keep = keep;
        Directory.CreateDirectory(path);
        foreach (var file in Directory.GetFiles(path, "*" + ManifestSuffix)) Open(file);
        foreach (var file in Directory.GetFiles(path).Where(file => !held.ContainsKey(HeightOf(file)))) File.Delete(file);
        DropOldest();
    }

    /// <param name="Ends">Where each chunk ends in the file.</param>
    private sealed record Held(Hash256 Id, ChunkMap Chunks, long[] Ends);

    /// <summary>What can be had, newest first.</summary>
    public IReadOnlyList<SnapshotOffer> Offers
    {
        get
        {
            lock (gate) return [.. held.Reverse().Select(h => new SnapshotOffer(h.Key, h.Value.Id))];
        }
    }

    /// <summary>Chunks and their bytes of the newest; null where there is none.</summary>
    public (ulong Height, int Chunks, long Bytes)? Newest
    {
        get
        {
            lock (gate) return held.Count == 0 ? null : (held.Last().Key, held.Last().Value.Chunks.Count, held.Last().Value.Chunks.Bytes);
        }
    }

    /// <summary>Cuts the state that a database holds, to be called again by one thread at a time.</summary>
    /// <returns>Null where the database is not, or no longer, at the height.</returns>
    /// <exception cref="IOException">The disk.</exception>
    public SnapshotDraft? Cut(string stateDatabase, ulong height, int chunkLimit = ChunkMap.MaxChunkBytes)
    {
        using var view = new SqliteStateView(stateDatabase);
        if (view.Height != height) return null;
        var sizes = view.ByHash().Select(row => new ChunkPlan.LeafSize(Hash256.Of(row.Key), ChunkBody.SizeOf(row.Key, row.Value))).ToArray();
        var pieces = ChunkPlan.Of(sizes, chunkLimit);
        var entries = new List<ChunkEntry>(pieces.Count);
        using var file = new FileStream(PathOf(height, ChunksSuffix), FileMode.Create, FileAccess.Write);
        using var rows = view.ByHash().GetEnumerator();
        foreach (var piece in pieces)
        {
            var leaves = new KeyValuePair<byte[], byte[]>[piece.Leaves];
            for (var i = 0; i < leaves.Length; i++) leaves[i] = rows.MoveNext() ? rows.Current : throw new InvalidDataException($"{stateDatabase} has fewer rows than counted");
            var (body, subtree) = ChunkBody.Make(leaves, piece.Depth);
            file.Write(body);
            entries.Add(new ChunkEntry(piece.Depth, (uint)leaves.Length, (uint)body.Length, subtree.Hash));
        }

        file.Flush(flushToDisk: true);
        return new SnapshotDraft(height, new ChunkMap(entries));
    }

    /// <summary>Offers a draft from now on, with the header that certifies it.</summary>
    /// <returns>False where the chain has no such header yet.</returns>
    /// <exception cref="SnapshotException">The header certifies another state: the state database is damaged. Or its block is no longer kept, or the manifest too long.</exception>
    public bool Complete(SnapshotDraft draft, IChainReader chain)
    {
        if (chain.Heights().Oldest > draft.Height) throw new SnapshotException($"the block of height {draft.Height} is no longer kept");
        if (chain.Read(draft.Height) is not { } block || chain.Read(draft.Height + 1) is not { } next) return false;
        var proof = new ProofFile(Block.FromBytes(next.Block).Header, CommitCertificate.FromBytes(next.Certificate), chain.SetChangesBelow(draft.Height + 1), []);
        var manifest = new SnapshotManifest(proof, block, draft.Chunks);
        if (draft.Chunks.Root.Hash != manifest.StateRoot) throw new SnapshotException($"the state database folds to {draft.Chunks.Root.Hash} at height {draft.Height}, certified is {manifest.StateRoot}");
        var bytes = manifest.ToBytes();
        if (bytes.Length > SnapshotManifest.MaxSize) throw new SnapshotException($"the manifest of height {draft.Height} has {bytes.Length} bytes, at most {SnapshotManifest.MaxSize} can be sent");
        var file = PathOf(draft.Height, ManifestSuffix);
        File.Delete(file);
        DurableFile.Create(file, bytes, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        lock (gate)
        {
            held[draft.Height] = HeldOf(manifest);
            DropOldest();
        }

        return true;
    }

    /// <summary>A manifest as it is sent; null where the snapshot is not, or no longer, here.</summary>
    public byte[]? ReadManifest(in Hash256 id)
    {
        if (Find(id) is not { } found) return null;
        try
        {
            return RegularFile.Read(PathOf(found.Height, ManifestSuffix), SnapshotManifest.MaxSize);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>A chunk's body; null where it is not, or no longer, here. It is checked first: a disk that errs makes a node offer less, not send what it is blamed for.</summary>
    /// <param name="damage">What is wrong where this has found a snapshot damaged and given it up; null otherwise.</param>
    public byte[]? ReadChunk(in Hash256 id, int index, out string? damage)
    {
        damage = null;
        if (Find(id) is not { } found || index < 0 || index >= found.Snapshot.Chunks.Count) return null;
        var body = new byte[found.Snapshot.Chunks[index].Bytes];
        try
        {
            using var file = RegularFile.Open(PathOf(found.Height, ChunksSuffix));
            RandomAccess.Read(file.SafeFileHandle, body, found.Snapshot.Ends[index] - body.Length);
            ChunkBody.Open(found.Snapshot.Chunks, index, body);
            return body;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (SnapshotException e)
        {
            damage = $"the snapshot of height {found.Height} is damaged on this node's disk and no longer offered: {e.Message}";
            Drop(found.Height);
            return null;
        }
    }

    private static ulong HeightOf(string file) => ulong.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var height) ? height : 0;

    private static Held HeldOf(SnapshotManifest manifest)
    {
        var ends = new long[manifest.Chunks.Count];
        var end = 0L;
        for (var i = 0; i < ends.Length; i++) ends[i] = end += manifest.Chunks[i].Bytes;
        return new Held(manifest.Id, manifest.Chunks, ends);
    }

    private (ulong Height, Held Snapshot)? Find(Hash256 id)
    {
        lock (gate)
        {
            foreach (var (height, snapshot) in held)
                if (snapshot.Id == id) return (height, snapshot);
        }

        return null;
    }

    private void Open(string file)
    {
        try
        {
            var manifest = SnapshotManifest.FromBytes(RegularFile.Read(file, SnapshotManifest.MaxSize));
            if (manifest.Height == HeightOf(file) && File.Exists(PathOf(manifest.Height, ChunksSuffix))) held[manifest.Height] = HeldOf(manifest);
        }
        catch (Exception e) when (e is MalformedException or IOException)
        {
            // Damaged, no regular file, or of another version: not offered, and removed with what is left over.
            held.Remove(HeightOf(file));
        }
    }

    private void Drop(ulong height)
    {
        lock (gate) held.Remove(height);
        File.Delete(PathOf(height, ManifestSuffix));
        File.Delete(PathOf(height, ChunksSuffix));
    }

    private void DropOldest()
    {
        while (held.Count > keep) Drop(held.Keys.First());
    }

    private string PathOf(ulong height, string suffix) => Path.Combine(path, height.ToString("D20", CultureInfo.InvariantCulture) + suffix);
}
