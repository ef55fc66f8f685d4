using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Proofs;

namespace Vivim.Client;

/// <summary>A proof file that was verified against a genesis: values of the chain's state at one height, and who is absent from it.</summary>
public sealed class ProvenState
{
    private ProvenState(ProofFile file) => File = file;

    public ProofFile File { get; }

    /// <summary>The height after which the state was so: the one before the proof's header.</summary>
    public ulong Height => File.Header.Height - 1;

    /// <summary>Checks a proof file's bytes. Needs no node.</summary>
    /// <exception cref="MalformedException">Not a proof file.</exception>
    /// <exception cref="ProofException">It does not hold under this genesis.</exception>
    public static ProvenState Verify(ReadOnlySpan<byte> bytes, GenesisFile genesis)
    {
        var file = ProofFile.FromBytes(bytes);
        file.Verify(genesis);
        return new ProvenState(file);
    }

    /// <summary>The value of a key (<see cref="Protocol.State.StateKey"/>); null when the key is proven to be absent.</summary>
    /// <exception cref="ProofException">The file proves nothing about this key.</exception>
    public ReadOnlyMemory<byte>? ValueOf(ReadOnlySpan<byte> key)
    {
        foreach (var entry in File.Entries)
        {
            if (entry is not ProofEntry.State { Proof: var proof } || !proof.Key.Span.SequenceEqual(key)) continue;
            if (proof is StateProof.Existence existence) return existence.Leaf.Value;
            return null;
        }

        throw new ProofException("the proof holds, but for something else than was asked");
    }
}
