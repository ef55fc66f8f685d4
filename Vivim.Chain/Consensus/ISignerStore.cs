using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>Keeps one row per consensus key. A write is durable when it returns. May be used by several threads.</summary>
public interface ISignerStore
{
    /// <summary>The key's row, or null when it never had one.</summary>
    SignerRow? Load(PublicKey key);

    /// <summary>Creates the row of a new key.</summary>
    void Create(PublicKey key, SignerRow row);

    /// <summary>Replaces the row if its version is still <paramref name="expectedVersion"/>; false when it is not.</summary>
    bool CompareAndSet(PublicKey key, ulong expectedVersion, SignerRow row);
}

/// <summary>How rows are used.</summary>
public static class SignerRows
{
    /// <summary>The row of a key that may sign.</summary>
    /// <exception cref="InvalidOperationException">It has none: it may have signed what nobody remembers.</exception>
    public static SignerRow Require(this ISignerStore store, PublicKey key) =>
        store.Load(key) ?? throw new InvalidOperationException($"the consensus key {key} has no signer row");

    /// <summary>Makes the next row durable.</summary>
    /// <exception cref="StaleSignerException">The stored row is not the one before it.</exception>
    /// <returns>The row.</returns>
    public static SignerRow Record(this ISignerStore store, PublicKey key, SignerRow row) => store.CompareAndSet(key, row.Version - 1, row)
        ? row
        : throw new StaleSignerException($"the signer row of {key} is no longer at version {row.Version - 1}: another incarnation of this validator is running");
}

/// <summary>Another incarnation of this validator has written the signer's row: this one must stop and send nothing.</summary>
public sealed class StaleSignerException(string message) : Exception(message);
