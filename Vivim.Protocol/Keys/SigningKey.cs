using System.Security.Cryptography;
using NSec.Cryptography;

namespace Vivim.Protocol.Keys;

/// <summary>An Ed25519 private key, made from its 32-byte seed (RFC 8032 §5.1.5).</summary>
public sealed class SigningKey : IConsensusKey, IDisposable
{
    /// <summary>Length of the seed in bytes.</summary>
    public const int SeedSize = 32;

    private readonly Key key;

    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public SigningKey(ReadOnlySpan<byte> seed)
    {
        if (seed.Length != SeedSize) throw new ArgumentException($"a seed has {SeedSize} bytes, not {seed.Length}", nameof(seed));
        key = Key.Import(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey, new KeyCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport });
        PublicKey = new PublicKey(key.PublicKey.Export(KeyBlobFormat.RawPublicKey));
    }

    public PublicKey PublicKey { get; }

    /// <summary>A new key from the operating system's random source.</summary>
    public static SigningKey Generate() => new(RandomNumberGenerator.GetBytes(SeedSize));

    /// <summary>Reads what <see cref="WriteTo"/> wrote.</summary>
    /// <exception cref="InvalidDataException">The file does not hold 64 hexadecimal digits.</exception>
    /// <exception cref="IOException">It cannot be read, or others can read it too: see <see cref="RegularFile.ReadSecret"/>.</exception>
    public static SigningKey ReadFrom(string path)
    {
        var text = RegularFile.ReadSecret(path).Trim();
        if (text.Length != SeedSize * 2 || !text.All(char.IsAsciiHexDigit))
            throw new InvalidDataException($"{path} is not a key file: it must hold {SeedSize * 2} hexadecimal digits");
        return new SigningKey(Convert.FromHexString(text));
    }

    /// <summary>Writes the seed to a new file that only its owner may read, and syncs it.</summary>
    /// <exception cref="IOException">The file exists, or cannot be written.</exception>
    public void WriteTo(string path)
    {
        var text = System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(key.Export(KeyBlobFormat.RawPrivateKey)) + "\n");
        DurableFile.Create(path, text, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public Signature Sign(ReadOnlySpan<byte> signed)
    {
        Span<byte> signature = stackalloc byte[Signature.Size];
        SignatureAlgorithm.Ed25519.Sign(key, signed, signature);
        return new Signature(signature);
    }

    public void Dispose() => key.Dispose();
}
