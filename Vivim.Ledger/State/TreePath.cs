using Vivim.Protocol;

namespace Vivim.Ledger.State;

/// <summary>A leaf of the state tree and the hashes beside its way to the root, bottom to top, with the placeholder where there is none.</summary>
public sealed record TreePath(Hash256 KeyHash, Hash256 ValueHash, IReadOnlyList<Hash256> Siblings);

/// <summary>The version is older than what the tree still keeps.</summary>
public sealed class ProofPrunedException(ulong version, ulong oldest) : Exception($"the state at {version} is pruned; the oldest kept is {oldest}")
{
    public ulong Version => version;

    public ulong Oldest => oldest;
}
