using Vivim.Protocol;

namespace Vivim.Ledger.Snapshots;

/// <summary>
/// Chunks that have come, in files named by their hashes until all are there: a sync that was cut short, or changes to a newer snapshot, need not ask
/// for them again. Nothing in the folder is trusted. Used by one thread at a time.
/// </summary>
public sealed class ChunkStaging(string path)
{
    /// <summary>Which of a snapshot's chunks are here, whole and right. Those that are not are removed.</summary>
    public IReadOnlyList<int> Find(ChunkMap chunks) => [.. Enumerable.Range(0, chunks.Count).Where(index => chunks[index].Leaves > 0 && IsHere(chunks, index))];

    /// <exception cref="IOException">The disk.</exception>
    public void Save(ChunkMap chunks, int index, byte[] body)
    {
        Directory.CreateDirectory(path);
        File.WriteAllBytes(PathOf(chunks, index), body);
    }

    /// <summary>Keys and values of all chunks, read and checked one chunk after another.</summary>
    /// <exception cref="SnapshotException">A chunk is no longer what it was.</exception>
    /// <exception cref="IOException">One cannot be read.</exception>
    public IEnumerable<KeyValuePair<byte[], byte[]>> Rows(ChunkMap chunks) =>
        Enumerable.Range(0, chunks.Count).Where(index => chunks[index].Leaves > 0).SelectMany(index => Open(chunks, index));

    /// <summary>Removes everything.</summary>
    public void Clear()
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
    }

    private bool IsHere(ChunkMap chunks, int index)
    {
        var file = PathOf(chunks, index);
        if (!File.Exists(file)) return false;
        try
        {
            Open(chunks, index);
            return true;
        }
        catch (Exception e) when (e is SnapshotException or IOException)
        {
            File.Delete(file);
            return false;
        }
    }

    private IReadOnlyList<KeyValuePair<byte[], byte[]>> Open(ChunkMap chunks, int index) => ChunkBody.Open(chunks, index, RegularFile.Read(PathOf(chunks, index), (int)chunks[index].Bytes));

    private string PathOf(ChunkMap chunks, int index) => Path.Combine(path, $"{chunks[index].Hash}.chunk");
}
