using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;

namespace Vivim.Protocol.Consensus;

/// <summary>A precommit signature by the validator at <paramref name="ValidatorIndex"/> of its height's set.</summary>
public readonly record struct CommitSignature(ushort ValidatorIndex, Signature Signature);

/// <summary>Precommits of more than two thirds of the voting power for one block: proof that it was decided.</summary>
/// <param name="Round">The round in which it was decided.</param>
/// <param name="Signatures">In ascending order of validator index.</param>
public sealed record CommitCertificate(ulong Height, uint Round, Hash256 BlockId, IReadOnlyList<CommitSignature> Signatures)
{
    private const int SignatureSize = 2 + Signature.Size;

    /// <summary>SHA-256 of the canonical encoding; the next header commits to it.</summary>
    public Hash256 Hash => Hash256.Of(ToBytes());

    /// <summary>Checks every signature and that they reach a quorum of <paramref name="validators"/>.</summary>
    /// <returns>Null when it holds, else a sentence saying what does not.</returns>
    public string? Verify(string chainId, ValidatorSet validators, ISignatureScheme scheme)
    {
        var signed = Vote.SignedBytes(VoteType.Precommit, Height, Round, BlockId, chainId);
        ulong power = 0;
        for (var i = 0; i < Signatures.Count; i++)
        {
            var (index, signature) = Signatures[i];
            if (index >= validators.Count) return $"the certificate of height {Height} names validator {index} of {validators.Count}";
            if (i > 0 && index <= Signatures[i - 1].ValidatorIndex) return $"the certificate of height {Height} has its signatures out of order";
            if (!scheme.Verifies(validators[index].Key, signed, signature)) return $"the certificate of height {Height} has a wrong signature by validator {index}";
            power += validators[index].Power;
        }

        return validators.IsQuorum(power) ? null : $"the certificate of height {Height} has power {power} of {validators.TotalPower}, not more than two thirds";
    }

    public byte[] ToBytes()
    {
        var writer = new CanonicalWriter();
        Encode(writer);
        return writer.ToArray();
    }

    public void Encode(CanonicalWriter writer)
    {
        writer.U64(Height).U32(Round).Hash(BlockId).U32((uint)Signatures.Count);
        foreach (var (index, signature) in Signatures) writer.U16(index).Raw(signature.Bytes);
    }

    /// <exception cref="MalformedException">Cut short, or too many signatures.</exception>
    public static CommitCertificate Decode(ref CanonicalReader reader)
    {
        var height = reader.U64();
        var round = reader.U32();
        var blockId = reader.Hash();
        var signatures = new CommitSignature[reader.Count(ValidatorSet.MaxValidators, SignatureSize)];
        for (var i = 0; i < signatures.Length; i++) signatures[i] = new CommitSignature(reader.U16(), new Signature(reader.Raw(Signature.Size)));
        return new CommitCertificate(height, round, blockId, signatures);
    }

    /// <summary>Decodes a certificate that stands alone.</summary>
    /// <exception cref="MalformedException">Not a certificate, or bytes left over.</exception>
    public static CommitCertificate FromBytes(ReadOnlySpan<byte> bytes)
    {
        var reader = new CanonicalReader(bytes);
        var certificate = Decode(ref reader);
        reader.End();
        return certificate;
    }
}
