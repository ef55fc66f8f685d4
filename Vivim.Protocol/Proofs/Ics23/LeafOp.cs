namespace Vivim.Protocol.Proofs.Ics23;

/// <summary>How a key and a value become a leaf's hash: hash(prefix || length(prehash(key)) || length(prehash(value))) (cosmos/ics23, LeafOp).</summary>
public sealed record LeafOp(HashOp Hash, HashOp PrehashKey, HashOp PrehashValue, LengthOp Length, ReadOnlyMemory<byte> Prefix)
{
    /// <summary>The leaf's hash.</summary>
    /// <exception cref="ProofException">The key or the value is empty, or an operation is not supported.</exception>
    public byte[] Apply(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (key.IsEmpty) throw new ProofException("a leaf has an empty key");
        if (value.IsEmpty) throw new ProofException("a leaf has an empty value");
        return Hash.Hash([.. Prefix.Span, .. Prepare(PrehashKey, key), .. Prepare(PrehashValue, value)]);
    }

    /// <summary>Checks that this is the spec's own operation; the prefix may be longer than the spec's.</summary>
    /// <exception cref="ProofException">It is not.</exception>
    public void CheckAgainst(LeafOp spec)
    {
        if (Hash != spec.Hash) throw new ProofException($"a leaf is hashed with {Hash}, not {spec.Hash}");
        if (PrehashKey != spec.PrehashKey) throw new ProofException($"a leaf's key is hashed with {PrehashKey}, not {spec.PrehashKey}");
        if (PrehashValue != spec.PrehashValue) throw new ProofException($"a leaf's value is hashed with {PrehashValue}, not {spec.PrehashValue}");
        if (Length != spec.Length) throw new ProofException($"a leaf uses the length operation {Length}, not {spec.Length}");
        if (!Prefix.Span.StartsWith(spec.Prefix.Span)) throw new ProofException("a leaf does not start with the tree's leaf prefix");
    }

    private byte[] Prepare(HashOp prehash, ReadOnlySpan<byte> data) => Length.WithLength(prehash == HashOp.None ? data : prehash.Hash(data));
}
