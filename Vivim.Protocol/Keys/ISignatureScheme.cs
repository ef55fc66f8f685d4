namespace Vivim.Protocol.Keys;

/// <summary>
/// Says which signatures of proposals and votes are accepted. Nodes and clients use <see cref="Ed25519Scheme"/> and nothing else; it is a
/// parameter so that a simulation can run the same consensus with a keyed hash, a thousand times cheaper.
/// </summary>
public interface ISignatureScheme
{
    /// <summary>Whether <paramref name="signature"/> is by <paramref name="key"/> over <paramref name="signed"/>. Called from several threads at once.</summary>
    bool Verifies(PublicKey key, ReadOnlySpan<byte> signed, Signature signature);
}

/// <summary>What signs proposals and votes: a <see cref="SigningKey"/>, or a simulation's stand-in for one.</summary>
public interface IConsensusKey
{
    PublicKey PublicKey { get; }

    /// <summary>Signs exactly these bytes, which name their domain and chain already.</summary>
    Signature Sign(ReadOnlySpan<byte> signed);
}

/// <summary>Ed25519 as <see cref="PublicKey.Verifies"/> accepts it.</summary>
public sealed class Ed25519Scheme : ISignatureScheme
{
    public static readonly Ed25519Scheme Instance = new();

    private Ed25519Scheme()
    {
    }

    public bool Verifies(PublicKey key, ReadOnlySpan<byte> signed, Signature signature) => key.Verifies(signed, signature);
}
