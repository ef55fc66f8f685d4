namespace Vivim.Protocol.Proofs.Ics23;

/// <summary>
/// What proofs of one kind of tree look like (cosmos/ics23, ProofSpec). A proof is only ever checked against a spec the
/// verifier chose, because a freely chosen leaf operation could give one hash many meanings.
/// </summary>
/// <param name="MinDepth">The fewest inner steps.</param>
/// <param name="MaxDepth">The most inner steps; 0 stands for <see cref="DefaultMaxDepth"/>, as in the reference.</param>
/// <param name="PrehashKeyBeforeComparison">Whether keys are ordered by their hash, as in trees addressed by hash.</param>
public sealed record ProofSpec(LeafOp LeafSpec, InnerSpec InnerSpec, int MinDepth = 0, int MaxDepth = 0, bool PrehashKeyBeforeComparison = false)
{
    /// <summary>The depth allowed to a spec that does not say.</summary>
    public const int DefaultMaxDepth = 128;

    /// <summary>Which of two keys comes first in this tree: negative, zero or positive.</summary>
    /// <exception cref="ProofException">The keys' hash function is not supported.</exception>
    public int CompareKeys(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        if (!PrehashKeyBeforeComparison || LeafSpec.PrehashKey == HashOp.None) return first.SequenceCompareTo(second);
        return LeafSpec.PrehashKey.Hash(first).AsSpan().SequenceCompareTo(LeafSpec.PrehashKey.Hash(second));
    }
}

/// <summary>
/// How inner nodes are laid out: prefix, left child, right child. The reference's child_order is not here: every tree we
/// check is binary and in order.
/// </summary>
/// <param name="ChildSize">The size of a child in the preimage, at least 1, with its length byte where the tree writes one.</param>
/// <param name="MinPrefixLength">The fewest bytes before the left child.</param>
/// <param name="MaxPrefixLength">The most bytes before the left child; below MinPrefixLength + ChildSize, so that left and right cannot be confused.</param>
/// <param name="EmptyChild">What stands for a child that is not there; empty when the tree has no such thing.</param>
public sealed record InnerSpec(int ChildSize, int MinPrefixLength, int MaxPrefixLength, HashOp Hash, ReadOnlyMemory<byte> EmptyChild = default)
{
    /// <summary>Whether the step is taken from a left child.</summary>
    public bool IsLeft(InnerOp step) => IsPrefixLength(step.Prefix.Length) && step.Suffix.Length == ChildSize;

    /// <summary>Whether the step is taken from a right child.</summary>
    public bool IsRight(InnerOp step) => IsPrefixLength(step.Prefix.Length - ChildSize) && step.Suffix.IsEmpty;

    /// <summary>Whether the step is taken from a right child whose left sibling is the empty child.</summary>
    public bool LeftSiblingIsEmpty(InnerOp step) => IsRight(step) && step.Prefix.Span[^ChildSize..].SequenceEqual(EmptyChild.Span);

    /// <summary>Whether the step is taken from a left child whose right sibling is the empty child.</summary>
    public bool RightSiblingIsEmpty(InnerOp step) => IsLeft(step) && step.Suffix.Span.SequenceEqual(EmptyChild.Span);

    private bool IsPrefixLength(int length) => length >= MinPrefixLength && length <= MaxPrefixLength;
}
