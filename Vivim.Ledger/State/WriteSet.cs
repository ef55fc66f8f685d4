using Vivim.Protocol.Encoding;
using Vivim.Protocol.State;

namespace Vivim.Ledger.State;

/// <summary>Reads through to a parent state and collects what changes on top of it. A null value deletes.</summary>
public sealed class WriteSet(IStateReader parent) : IStateReader
{
    private const int MaxValueSize = 1 << 16;

    private readonly Dictionary<byte[], byte[]?> changes = new(KeyComparer.Instance);

    /// <summary>The keys written, some perhaps with the parent's value again.</summary>
    public IReadOnlyDictionary<byte[], byte[]?> Changes => changes;

    public byte[]? Get(byte[] key) => changes.TryGetValue(key, out var value) ? value : parent.Get(key);

    public void Set(byte[] key, byte[]? value) => changes[key] = value;

    /// <summary>The change set as the store keeps it: sorted by key.</summary>
    public static byte[] Encode(IReadOnlyDictionary<byte[], byte[]?> changes)
    {
        var writer = new CanonicalWriter(4 + changes.Count * 96);
        writer.U32((uint)changes.Count);
        foreach (var (key, value) in changes.OrderBy(c => c.Key, KeyComparer.Instance))
        {
            writer.Bytes(key).U8(value is null ? (byte)0 : (byte)1);
            if (value is not null) writer.Bytes(value);
        }

        return writer.ToArray();
    }

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    /// <exception cref="MalformedException">The stored bytes are damaged.</exception>
    public static Dictionary<byte[], byte[]?> Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new CanonicalReader(bytes);
        var count = reader.Count(int.MaxValue, 5);
        var decoded = new Dictionary<byte[], byte[]?>(count, KeyComparer.Instance);
        byte[]? last = null;
        for (var i = 0; i < count; i++)
        {
            var key = reader.Bytes(StateKey.MaxSize).ToArray();
            if (last is not null && KeyComparer.Instance.Compare(last, key) >= 0) throw new MalformedException($"the key at {reader.Position - key.Length} is not above the one before it");
            decoded[key] = reader.U8() switch
            {
                0 => null,
                1 => reader.Bytes(MaxValueSize).ToArray(),
                var other => throw new MalformedException($"{other} at {reader.Position - 1} says neither deleted (0) nor a value (1)"),
            };
            last = key;
        }

        reader.End();
        return decoded;
    }
}
