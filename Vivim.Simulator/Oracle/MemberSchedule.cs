using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Encoding;

namespace Vivim.Simulator.Oracle;

/// <summary>Who votes at each height, derived from the genesis and the blocks.</summary>
internal sealed class MemberSchedule(IReadOnlyList<Member> genesis)
{
    private readonly List<IReadOnlyList<Member>> sets = [genesis, genesis];

    /// <summary>The members of a height, as far as the blocks decide it: the last known ones beyond that.</summary>
    public IReadOnlyList<Member> At(ulong height) => sets[(int)Math.Min(height - 1, (ulong)sets.Count - 1)];

    /// <summary>A block is final: it decides who votes two heights later.</summary>
    public void Extend(Block block) => sets.Add(sets[^1]);

    /// <summary>The hash that headers commit to.</summary>
    public static Hash256 Hash(IReadOnlyList<Member> members)
    {
        var writer = new CanonicalWriter().U32((uint)members.Count);
        foreach (var member in members.OrderBy(member => member.Key)) writer.Raw(member.Key.Bytes).U64(member.Power);
        return Hash256.Of(writer.Written);
    }
}
