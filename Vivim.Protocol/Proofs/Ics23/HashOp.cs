using System.Security.Cryptography;

namespace Vivim.Protocol.Proofs.Ics23;

/// <summary>A hash function of ICS-23, with its number in cosmos/ics23's proofs.proto. The verifier knows SHA-256 and SHA-512 and refuses the rest.</summary>
public enum HashOp
{
    None = 0,
    Sha256 = 1,
    Sha512 = 2,
    Keccak256 = 3,
    Ripemd160 = 4,
    Bitcoin = 5,
    Sha512Truncated256 = 6,
    Blake2b512 = 7,
    Blake2s256 = 8,
    Blake3 = 9,
}

/// <summary>Applies a <see cref="HashOp"/>.</summary>
public static class HashOpExtensions
{
    /// <summary>The digest of <paramref name="data"/>.</summary>
    /// <exception cref="ProofException"><see cref="HashOp.None"/>, or a function the verifier does not support.</exception>
    public static byte[] Hash(this HashOp op, ReadOnlySpan<byte> data) => op switch
    {
        HashOp.Sha256 => SHA256.HashData(data),
        HashOp.Sha512 => SHA512.HashData(data),
        HashOp.None => throw new ProofException("a proof step names no hash function"),
        _ => throw new ProofException($"the hash function {op} is not supported"),
    };
}
