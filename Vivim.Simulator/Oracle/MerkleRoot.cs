using Vivim.Protocol;

namespace Vivim.Simulator.Oracle;

/// <summary>The root of RFC 6962 §2.1, by its recursive definition.</summary>
internal static class MerkleRoot
{
    public static Hash256 Of(IReadOnlyList<byte[]> leaves) => leaves.Count switch
    {
        0 => Hash256.Of([]),
        1 => Hash256.Of([0, .. leaves[0]]),
        _ => Inner(leaves),
    };

    private static Hash256 Inner(IReadOnlyList<byte[]> leaves)
    {
        var split = 1;
        while (split * 2 < leaves.Count) split *= 2;
        return Hash256.Of([1, .. Of([.. leaves.Take(split)]).Bytes, .. Of([.. leaves.Skip(split)]).Bytes]);
    }
}
