using Vivim.Protocol;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Pool;

/// <summary>
/// Remembers the envelopes whose signature this node has verified, so that a block of known transactions costs no second verification.
/// Bounded, in two generations. Thread-safe.
/// </summary>
public sealed class VerifiedSignatures(int capacity = 200_000)
{
    private readonly Lock gate = new();
    private HashSet<Hash256> young = [];
    private HashSet<Hash256> old = [];

    public void Add(TransactionEnvelope envelope)
    {
        var hash = HashOf(envelope);
        lock (gate)
        {
            if (young.Count >= capacity / 2) (old, young) = (young, []);
            young.Add(hash);
        }
    }

    public bool Contains(TransactionEnvelope envelope)
    {
        var hash = HashOf(envelope);
        lock (gate) return young.Contains(hash) || old.Contains(hash);
    }

    private static Hash256 HashOf(TransactionEnvelope envelope)
    {
        var writer = new CanonicalWriter(envelope.Size);
        envelope.Encode(writer);
        return Hash256.Of(writer.Written);
    }
}
