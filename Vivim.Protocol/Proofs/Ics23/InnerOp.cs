namespace Vivim.Protocol.Proofs.Ics23;

/// <summary>One step from a child to its parent: hash(prefix || child || suffix) (cosmos/ics23, InnerOp).</summary>
public sealed record InnerOp(HashOp Hash, ReadOnlyMemory<byte> Prefix, ReadOnlyMemory<byte> Suffix)
{
    /// <summary>The parent's hash.</summary>
    /// <exception cref="ProofException">The child is empty, or the hash function is not supported.</exception>
    public byte[] Apply(ReadOnlySpan<byte> child)
    {
        if (child.IsEmpty) throw new ProofException("an inner step has no child");
        return Hash.Hash([.. Prefix.Span, .. child, .. Suffix.Span]);
    }

    /// <summary>Checks that the step fits the tree, and that no leaf can be passed off as an inner node.</summary>
    /// <exception cref="ProofException">It does not, or the spec itself lets left and right be confused.</exception>
    public void CheckAgainst(ProofSpec spec)
    {
        var inner = spec.InnerSpec;
        if (inner.ChildSize < 1) throw new ProofException("the spec's child size is not positive");
        if (inner.MaxPrefixLength >= inner.MinPrefixLength + inner.ChildSize) throw new ProofException("the spec's prefix lengths leave room for a hidden child");
        if (Hash != inner.Hash) throw new ProofException($"an inner step is hashed with {Hash}, not {inner.Hash}");
        if (Prefix.Span.StartsWith(spec.LeafSpec.Prefix.Span)) throw new ProofException("an inner step starts with the tree's leaf prefix");
        if (Prefix.Length < inner.MinPrefixLength) throw new ProofException($"an inner step's prefix of {Prefix.Length} bytes is too short");
        if (Prefix.Length > inner.MaxPrefixLength + inner.ChildSize) throw new ProofException($"an inner step's prefix of {Prefix.Length} bytes is too long");
        if (Suffix.Length % inner.ChildSize != 0) throw new ProofException($"an inner step's suffix of {Suffix.Length} bytes is not a number of children");
    }

    /// <summary>Whether both steps hash the same bytes around their child.</summary>
    public bool HasSameAffixes(InnerOp other) => Prefix.Span.SequenceEqual(other.Prefix.Span) && Suffix.Span.SequenceEqual(other.Suffix.Span);
}
