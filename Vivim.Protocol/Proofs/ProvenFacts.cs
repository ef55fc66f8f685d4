using Vivim.Protocol.Blocks;
using Vivim.Protocol.Transactions;

namespace Vivim.Protocol.Proofs;

/// <summary>
/// What a <see cref="ProofFile"/> has been found to prove, asked by what one wants to know: a valid proof about
/// something else is no answer.
/// </summary>
public sealed class ProvenFacts
{
    internal ProvenFacts(ProofFile file) => File = file;

    public ProofFile File { get; }

    /// <summary>The certified header.</summary>
    public BlockHeader Header => File.Header;

    /// <summary>The height after which the state was as proven, and of whose block the receipts are: the header's parent's.</summary>
    public ulong Height => File.Header.Height - 1;

    /// <summary>A state key's value; null when it is proven to have none.</summary>
    /// <exception cref="ProofException">The file says nothing of this key.</exception>
    public ReadOnlyMemory<byte>? ValueOf(ReadOnlySpan<byte> key)
    {
        foreach (var entry in File.Entries)
        {
            if (entry is ProofEntry.State { Proof: var proof } && proof.Key.Span.SequenceEqual(key)) return (proof as StateProof.Existence)?.Leaf.Value;
        }

        throw new ProofException($"the proof file says nothing of the key {Convert.ToHexStringLower(key)}");
    }

    /// <summary>A transaction's receipt.</summary>
    /// <exception cref="ProofException">The file holds none.</exception>
    public Receipt ReceiptOf(Hash256 transactionId) =>
        File.Entries.OfType<ProofEntry.Included>().FirstOrDefault(entry => entry.Receipt.TransactionId == transactionId)?.Receipt
        ?? throw new ProofException($"the proof file holds no receipt of the transaction {transactionId}");
}
