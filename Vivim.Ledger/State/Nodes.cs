using Vivim.Protocol;

namespace Vivim.Ledger.State;

/// <summary>Points to nothing, an inner node or a leaf.</summary>
internal readonly record struct NodeRef
{
    private readonly int code;

    private NodeRef(int code) => this.code = code;

    public static NodeRef Empty => default;

    public static NodeRef ToInner(int index) => new(index + 1);

    public static NodeRef ToLeaf(int index) => new(~index);

    public bool IsEmpty => code == 0;

    public bool IsInner => code > 0;

    public bool IsLeaf => code < 0;

    /// <summary>The place in the pool of its kind; meaningless when empty.</summary>
    public int Index => IsLeaf ? ~code : code - 1;
}

/// <summary>A node above two leaves or more; one of its subtrees may be empty.</summary>
internal readonly record struct InnerNode(Hash256 Hash, NodeRef Left, NodeRef Right);

internal readonly record struct LeafNode(Hash256 Hash, Hash256 KeyHash, Hash256 ValueHash);

/// <summary>The tree as it was at one version, and the nodes of earlier ones that this one no longer uses.</summary>
internal readonly record struct Snapshot(ulong Version, NodeRef Root, NodeRef[] Retired);
