namespace Vivim.Tests.Gateway;

/// <summary>Tests that start a node run one after another, beside those of other collections: mostly they wait.</summary>
[CollectionDefinition(Name)]
public sealed class NodeCollection
{
    public const string Name = "nodes";
}

/// <summary>So do tests that start several nodes.</summary>
[CollectionDefinition(Name)]
public sealed class ClusterCollection
{
    public const string Name = "clusters";
}
