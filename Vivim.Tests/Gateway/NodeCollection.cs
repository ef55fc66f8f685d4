namespace Vivim.Tests.Gateway;

/// <summary>Tests that start nodes run one after another: each wants the machine for itself.</summary>
[CollectionDefinition(Name)]
public sealed class NodeCollection
{
    public const string Name = "nodes";
}
