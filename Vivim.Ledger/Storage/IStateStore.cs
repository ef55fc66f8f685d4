namespace Vivim.Ledger.Storage;

/// <summary>
/// Holds the state's latest values as of one height. It may lag behind the chain: what is newer is kept in memory and in the chain store's
/// change sets (DESIGN §8).
/// </summary>
public interface IStateStore
{
    /// <summary>The height whose values are held; null for a new store.</summary>
    ulong? Height { get; }

    /// <summary>A key's value at <see cref="Height"/>, or null.</summary>
    byte[]? Get(byte[] key);

    /// <summary>The key that hashes to a hash, or null.</summary>
    byte[]? FindKey(byte[] keyHash);

    /// <summary>Keys and values with a prefix after a key (exclusive), ascending.</summary>
    IEnumerable<KeyValuePair<byte[], byte[]>> Range(byte[] prefix, byte[] after);

    /// <summary>All keys and values, in no order: for rebuilding the tree.</summary>
    IEnumerable<KeyValuePair<byte[], byte[]>> All();

    /// <summary>Replaces values in one transaction, synced, and moves to <paramref name="height"/>. May run on another thread than the reads.</summary>
    void Write(ulong height, IReadOnlyDictionary<byte[], byte[]?> changes);

    /// <summary>Puts other values in the place of all, in one transaction, synced, as of <paramref name="height"/>. Reads them one by one.</summary>
    void Replace(ulong height, IEnumerable<KeyValuePair<byte[], byte[]>> rows);

    /// <summary>Forgets everything, in one transaction, synced: the store is as new.</summary>
    void Clear();
}
