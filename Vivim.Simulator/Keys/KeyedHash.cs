using System.Buffers.Binary;
using System.Security.Cryptography;
using Vivim.Protocol.Keys;

namespace Vivim.Simulator.Keys;

/// <summary>
/// Signatures of a simulated world, a hundred times cheaper than Ed25519: SHA-256 over a secret and the message. Only who has a validator's
/// <see cref="SimulatedKey"/> can sign for it; the scheme, which knows all secrets, is trusted to say what verifies.
/// </summary>
internal sealed class KeyedHashScheme(IEnumerable<SimulatedKey> keys) : ISignatureScheme
{
    private readonly Dictionary<PublicKey, SimulatedKey> keys = keys.ToDictionary(key => key.PublicKey);

    public bool Verifies(PublicKey key, ReadOnlySpan<byte> signed, Signature signature) =>
        keys.TryGetValue(key, out var known) && known.Hash(signed) == signature;
}

/// <summary>A validator's key in a simulated world. Its transactions are signed with Ed25519 all the same.</summary>
internal sealed class SimulatedKey(SigningKey real, bool usesHash) : IConsensusKey
{
    private readonly byte[] secret = SHA256.HashData(real.PublicKey.Bytes);

    public PublicKey PublicKey => real.PublicKey;

    /// <summary>Signs transactions.</summary>
    public SigningKey Real => real;

    public Signature Sign(ReadOnlySpan<byte> signed) => usesHash ? Hash(signed) : real.Sign(signed);

    internal Signature Hash(ReadOnlySpan<byte> signed)
    {
        Span<byte> input = stackalloc byte[secret.Length + signed.Length];
        secret.CopyTo(input);
        signed.CopyTo(input[secret.Length..]);
        Span<byte> signature = stackalloc byte[Signature.Size];
        SHA256.HashData(input, signature[..32]);
        BinaryPrimitives.WriteInt32BigEndian(signature[32..], signed.Length);
        return new Signature(signature);
    }
}

/// <summary>The keys of simulated validators: the same in every run, made once.</summary>
internal static class ValidatorKeys
{
    private static readonly Lock Gate = new();
    private static readonly List<SigningKey> Made = [];

    /// <summary>The key of the validator with this number.</summary>
    public static SigningKey Real(int number)
    {
        lock (Gate)
        {
            while (Made.Count <= number) Made.Add(new SigningKey(SHA256.HashData([.. "simulated validator"u8, (byte)(Made.Count >> 8), (byte)Made.Count])));
            return Made[number];
        }
    }
}
