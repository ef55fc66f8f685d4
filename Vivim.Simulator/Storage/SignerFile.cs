using Vivim.Chain.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Simulator.Storage;

/// <summary>A signer.db, shared by all incarnations of a validator: bytes, as the real one keeps them.</summary>
internal sealed class SignerFile : ISignerStore
{
    private readonly Dictionary<PublicKey, (ulong Version, byte[] Bytes)> rows = [];

    public SignerRow? Load(PublicKey key) => rows.TryGetValue(key, out var row) ? SignerRow.FromBytes(row.Bytes) : null;

    public void Create(PublicKey key, SignerRow row) => rows.Add(key, (row.Version, row.ToBytes()));

    public bool CompareAndSet(PublicKey key, ulong expectedVersion, SignerRow row)
    {
        if (!rows.TryGetValue(key, out var stored) || stored.Version != expectedVersion) return false;
        rows[key] = (row.Version, row.ToBytes());
        return true;
    }
}
