namespace Vivim.Ledger.State;

/// <summary>A bounded cache of values in two generations: when the young one is full it becomes the old one, and the old one goes.</summary>
internal sealed class ValueCache(int capacity)
{
    private Dictionary<byte[], byte[]?> young = new(KeyComparer.Instance);
    private Dictionary<byte[], byte[]?> old = new(KeyComparer.Instance);

    public byte[]? GetOrAdd(byte[] key, Func<byte[], byte[]?> load)
    {
        if (young.TryGetValue(key, out var value)) return value;
        if (!old.Remove(key, out value)) value = load(key);
        if (young.Count >= capacity / 2) (old, young) = (young, new Dictionary<byte[], byte[]?>(KeyComparer.Instance));
        young[key] = value;
        return value;
    }

    public void Remove(byte[] key)
    {
        young.Remove(key);
        old.Remove(key);
    }
}
