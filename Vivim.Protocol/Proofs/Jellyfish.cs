using Vivim.Protocol.Proofs.Ics23;

namespace Vivim.Protocol.Proofs;

/// <summary>
/// The constants of the Jellyfish Merkle tree that holds the state, byte for byte those of penumbra-zone/jmt:
/// leaf H("JMT::LeafNode" || H(key) || H(value)), inner node H("JMT::IntrnalNode" || left || right).
/// </summary>
public static class Jellyfish
{
    private static readonly byte[] LeafPrefixBytes = "JMT::LeafNode"u8.ToArray();
    private static readonly byte[] InnerPrefixBytes = "JMT::IntrnalNode"u8.ToArray();

    /// <summary>What a leaf's preimage starts with.</summary>
    public static ReadOnlySpan<byte> LeafPrefix => LeafPrefixBytes;

    /// <summary>What an inner node's preimage starts with; the spelling is the original's.</summary>
    public static ReadOnlySpan<byte> InnerPrefix => InnerPrefixBytes;

    /// <summary>Stands for a child that is not there, and is the root of an empty tree. No digest: plain ASCII.</summary>
    public static Hash256 Placeholder { get; } = new("SPARSE_MERKLE_PLACEHOLDER_HASH__"u8);

    /// <summary>The depth of the deepest possible leaf.</summary>
    public const int MaxDepth = 256;

    /// <summary>
    /// The ICS-23 spec of the tree. penumbra-zone/jmt allows 64 levels; here it is all 256, because two keys whose hashes
    /// share 64 bits can be ground in 2^32 work, and both must stay provable.
    /// </summary>
    public static ProofSpec Spec { get; } = new(
        new LeafOp(HashOp.Sha256, PrehashKey: HashOp.Sha256, PrehashValue: HashOp.Sha256, LengthOp.NoPrefix, LeafPrefixBytes),
        new InnerSpec(Hash256.Size, InnerPrefixBytes.Length, InnerPrefixBytes.Length, HashOp.Sha256, Placeholder.ToArray()),
        MinDepth: 0,
        MaxDepth,
        PrehashKeyBeforeComparison: true);

    /// <summary>The step from a node to its parent, given the node's sibling and on which side of it the node is.</summary>
    internal static InnerOp Step(in Hash256 sibling, bool isRightChild) => isRightChild
        ? new InnerOp(HashOp.Sha256, (byte[])[.. InnerPrefix, .. sibling.Bytes], ReadOnlyMemory<byte>.Empty)
        : new InnerOp(HashOp.Sha256, InnerPrefixBytes, sibling.ToArray());
}
