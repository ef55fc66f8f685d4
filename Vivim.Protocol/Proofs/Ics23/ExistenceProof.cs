namespace Vivim.Protocol.Proofs.Ics23;

/// <summary>The way from one key and value to the root (cosmos/ics23, ExistenceProof). The path runs bottom to top.</summary>
/// <param name="Leaf">Null when the proof came without one; such a proof is refused.</param>
public sealed record ExistenceProof(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value, LeafOp? Leaf, IReadOnlyList<InnerOp> Path)
{
    /// <summary>The root the path leads to. It means nothing before <see cref="CheckAgainst"/>.</summary>
    /// <exception cref="ProofException">A step cannot be calculated.</exception>
    public byte[] CalculateRoot() => Path.Aggregate(RequiredLeaf().Apply(Key.Span, Value.Span), (child, step) => step.Apply(child));

    /// <summary>Checks that every step has the form the spec allows.</summary>
    /// <exception cref="ProofException">One has not.</exception>
    public void CheckAgainst(ProofSpec spec)
    {
        RequiredLeaf().CheckAgainst(spec.LeafSpec);
        if (Path.Count < spec.MinDepth) throw new ProofException($"the path has {Path.Count} steps, fewer than {spec.MinDepth}");
        var maxDepth = spec.MaxDepth == 0 ? ProofSpec.DefaultMaxDepth : spec.MaxDepth;
        if (Path.Count > maxDepth) throw new ProofException($"the path has {Path.Count} steps, more than {maxDepth}");
        foreach (var step in Path) step.CheckAgainst(spec);
    }

    private LeafOp RequiredLeaf() => Leaf ?? throw new ProofException("the proof has no leaf operation");
}

/// <summary>Two neighbouring leaves, or the first or last one, between which the key would have to be (cosmos/ics23, NonExistenceProof).</summary>
public sealed record NonExistenceProof(ExistenceProof? Left, ExistenceProof? Right);
