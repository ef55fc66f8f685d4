using Google.Protobuf;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;

namespace Vivim.Protocol.Transactions;

/// <summary>A signed transaction as received: the body is never re-encoded. Its canonical encoding is a leaf of the block's transaction root.</summary>
public sealed record TransactionEnvelope(ReadOnlyMemory<byte> Body, PublicKey Signer, Signature Signature)
{
    /// <summary>No chain's limit on a body is above this, in bytes.</summary>
    public const int MaxBodySize = 4096;

    /// <summary>Bytes of the canonical encoding beside the body.</summary>
    public const int Overhead = 4 + PublicKey.Size + Signature.Size;

    /// <summary>Size of the canonical encoding in bytes.</summary>
    public int Size => Body.Length + Overhead;

    /// <summary>Signs a body for a chain.</summary>
    public static TransactionEnvelope Sign(V1.TransactionBody body, SigningKey key)
    {
        var bytes = body.ToByteArray();
        return new TransactionEnvelope(bytes, key.PublicKey, key.Sign(SigningDomain.Transaction.Frame(body.ChainId, bytes)));
    }

    /// <summary>Reads the gRPC message; null where a field has an impossible length.</summary>
    public static TransactionEnvelope? FromMessage(V1.SignedTransaction message) =>
        message.Signer.Length == PublicKey.Size && message.Signature.Length == Signature.Size && message.Body.Length <= MaxBodySize
            ? new TransactionEnvelope(message.Body.Memory, new PublicKey(message.Signer.Span), new Signature(message.Signature.Span))
            : null;

    public V1.SignedTransaction ToMessage() => new()
    {
        Body = UnsafeByteOperations.UnsafeWrap(Body),
        Signer = ByteString.CopyFrom(Signer.Bytes),
        Signature = ByteString.CopyFrom(Signature.Bytes),
    };

    /// <summary>The transaction's id on a chain: SHA-256 of the signed bytes; it excludes the signature.</summary>
    public Hash256 IdOn(string chainId) => Hash256.Of(SigningDomain.Transaction.Frame(chainId, Body.Span));

    public bool SignatureVerifies(string chainId) => Signer.Verifies(SigningDomain.Transaction.Frame(chainId, Body.Span), Signature);

    public void Encode(CanonicalWriter writer) => writer.Bytes(Body.Span).Raw(Signer.Bytes).Raw(Signature.Bytes);

    /// <exception cref="MalformedException">Cut short, or the body is longer than <see cref="MaxBodySize"/>.</exception>
    public static TransactionEnvelope Decode(ref CanonicalReader reader) =>
        new(reader.Bytes(MaxBodySize).ToArray(), new PublicKey(reader.Raw(PublicKey.Size)), new Signature(reader.Raw(Signature.Size)));

    public bool Equals(TransactionEnvelope? other) =>
        other is not null && Signer == other.Signer && Signature == other.Signature && Body.Span.SequenceEqual(other.Body.Span);

    public override int GetHashCode() => Signature.GetHashCode();
}
