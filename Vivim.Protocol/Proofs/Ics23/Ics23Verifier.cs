namespace Vivim.Protocol.Proofs.Ics23;

/// <summary>
/// Verifies ICS-23 proofs as cosmos/ics23's Go implementation does, with two differences: hash functions are limited to
/// those of <see cref="HashOpExtensions.Hash"/>, and the extra checks of IAVL's and Tendermint's prefix bytes are left out,
/// because those trees are not ours. The spec is the caller's and is trusted; the proof is not.
/// </summary>
public static class Ics23Verifier
{
    /// <summary>Checks that <paramref name="key"/> has <paramref name="value"/> under <paramref name="root"/>.</summary>
    /// <exception cref="ProofException">The proof does not show it.</exception>
    public static void VerifyMembership(ProofSpec spec, ReadOnlySpan<byte> root, ExistenceProof proof, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (!proof.Key.Span.SequenceEqual(key)) throw new ProofException("the proof is about another key");
        if (!proof.Value.Span.SequenceEqual(value)) throw new ProofException("the proof is about another value");
        VerifyExistence(spec, root, proof);
    }

    /// <summary>Checks that <paramref name="key"/> has no value under <paramref name="root"/>.</summary>
    /// <exception cref="ProofException">The proof does not show it.</exception>
    public static void VerifyNonMembership(ProofSpec spec, ReadOnlySpan<byte> root, NonExistenceProof proof, ReadOnlySpan<byte> key)
    {
        var (left, right) = proof;
        if (left is not null) VerifyExistence(spec, root, left);
        if (right is not null) VerifyExistence(spec, root, right);

        if (left is not null && spec.CompareKeys(key, left.Key.Span) <= 0) throw new ProofException("the key is not right of the left neighbour");
        if (right is not null && spec.CompareKeys(key, right.Key.Span) >= 0) throw new ProofException("the key is not left of the right neighbour");

        switch (left, right)
        {
            case (null, null):
                throw new ProofException("the proof of absence names no neighbour");
            case (null, not null) when !IsLeftMost(spec.InnerSpec, right.Path):
                throw new ProofException("there is no left neighbour, yet the right one is not the first leaf");
            case (not null, null) when !IsRightMost(spec.InnerSpec, left.Path):
                throw new ProofException("there is no right neighbour, yet the left one is not the last leaf");
            case (not null, not null) when !AreAdjacent(spec.InnerSpec, left.Path, right.Path):
                throw new ProofException("other leaves fit between the two neighbours");
        }
    }

    private static void VerifyExistence(ProofSpec spec, ReadOnlySpan<byte> root, ExistenceProof proof)
    {
        proof.CheckAgainst(spec);
        if (!proof.CalculateRoot().AsSpan().SequenceEqual(root)) throw new ProofException("the path does not lead to the root");
    }

    private static bool IsLeftMost(InnerSpec spec, IEnumerable<InnerOp> path) => path.All(step => spec.IsLeft(step) || spec.LeftSiblingIsEmpty(step));

    private static bool IsRightMost(InnerSpec spec, IEnumerable<InnerOp> path) => path.All(step => spec.IsRight(step) || spec.RightSiblingIsEmpty(step));

    private static bool AreAdjacent(InnerSpec spec, IReadOnlyList<InnerOp> left, IReadOnlyList<InnerOp> right)
    {
        var shared = 0;
        while (shared < Math.Min(left.Count, right.Count) && left[^(shared + 1)].HasSameAffixes(right[^(shared + 1)])) shared++;

        // One path inside the other means that a leaf was passed off as an inner node, or that both are the same leaf.
        if (shared == left.Count || shared == right.Count) return false;
        return spec.IsLeft(left[^(shared + 1)]) && spec.IsRight(right[^(shared + 1)])
            && IsRightMost(spec, left.SkipLast(shared + 1)) && IsLeftMost(spec, right.SkipLast(shared + 1));
    }
}
