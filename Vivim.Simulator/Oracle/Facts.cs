using Vivim.Protocol;
using Vivim.Protocol.Keys;

namespace Vivim.Simulator.Oracle;

/// <summary>A validator and its voting power.</summary>
internal readonly record struct Member(PublicKey Key, ulong Power);

/// <summary>What the oracle knows from the start.</summary>
internal sealed record GenesisFacts(string ChainId, Hash256 Hash, IReadOnlyList<Member> Members);

/// <summary>What a node has computed by executing a block.</summary>
internal readonly record struct StateRoots(Hash256 State, Hash256 Receipts, Hash256 Events);

/// <summary>A promise is broken.</summary>
/// <param name="Check">Which one: the same word for the same kind.</param>
internal sealed record Violation(string Check, string Message);

/// <summary>Ends a simulation in which a promise is broken.</summary>
internal sealed class ViolationException(string check, string message) : Exception(message)
{
    public Violation Violation { get; } = new(check, message);
}

/// <summary>Two correct nodes hold different final blocks.</summary>
internal sealed record Disagreement(ulong Height, Decision First, Decision Second);

/// <summary>A final block, by whose certificate.</summary>
internal sealed record Decision(Hash256 BlockId, uint Round, IReadOnlyList<PublicKey> Signers);

/// <summary>Powers, counted here a second time.</summary>
internal static class Power
{
    public static bool IsMoreThanTwoThirds(ulong part, ulong whole) => (UInt128)part * 3 > (UInt128)whole * 2;

    public static bool IsMoreThanAThird(ulong part, ulong whole) => (UInt128)part * 3 > whole;

    public static ulong Of(IEnumerable<Member> members)
    {
        var sum = 0UL;
        foreach (var member in members) sum = checked(sum + member.Power);
        return sum;
    }
}
