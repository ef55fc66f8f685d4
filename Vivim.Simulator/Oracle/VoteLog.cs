using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Simulator.Oracle;

/// <summary>Every vote of one height that anyone has sent to anyone, signature checked.</summary>
internal sealed class VoteLog(IReadOnlyList<Member> members)
{
    private readonly Dictionary<(VoteType Type, uint Round), Dictionary<Hash256, HashSet<PublicKey>>> steps = [];

    public IReadOnlyList<Member> Members => members;

    /// <summary>The rounds in which anything was voted, ascending.</summary>
    public IEnumerable<uint> Rounds => steps.Keys.Select(step => step.Round).Distinct().Order();

    public void Add(Vote vote)
    {
        if (!steps.TryGetValue((vote.Type, vote.Round), out var values)) steps[(vote.Type, vote.Round)] = values = [];
        var value = vote.BlockId ?? Hash256.Zero;
        if (!values.TryGetValue(value, out var voters)) values[value] = voters = [];
        voters.Add(vote.Validator);
    }

    /// <summary>Who has voted for a block, or for nil.</summary>
    public IReadOnlySet<PublicKey> Voters(VoteType type, uint round, Hash256? value) =>
        steps.TryGetValue((type, round), out var values) && values.TryGetValue(value ?? Hash256.Zero, out var voters) ? voters : new HashSet<PublicKey>();

    /// <summary>The blocks voted for in a step, in order.</summary>
    public IEnumerable<Hash256> Blocks(VoteType type, uint round) =>
        steps.TryGetValue((type, round), out var values) ? values.Keys.Where(value => !value.IsZero).Order() : [];

    /// <summary>More than two thirds prevoted for a block; <paramref name="self"/> is counted, sent or not.</summary>
    public bool HasPolka(uint round, Hash256 block, PublicKey? self = null)
    {
        var voters = Voters(VoteType.Prevote, round, block);
        return Power.IsMoreThanTwoThirds(Power.Of(members.Where(member => voters.Contains(member.Key) || member.Key == self)), Power.Of(members));
    }

    /// <summary>The power of all that voted in a step or, without a type, in a round; each is counted once, and <paramref name="self"/> always.</summary>
    public ulong PowerSeen(uint round, VoteType? type, PublicKey self)
    {
        var seen = new HashSet<PublicKey> { self };
        foreach (var (step, values) in steps)
        {
            if (step.Round != round || (type is { } wanted && step.Type != wanted)) continue;
            foreach (var voters in values.Values) seen.UnionWith(voters);
        }

        return Power.Of(members.Where(member => seen.Contains(member.Key)));
    }

    /// <summary>Who has sent two different votes in a step.</summary>
    public IEnumerable<PublicKey> Equivocators(VoteType type, uint round) =>
        steps.TryGetValue((type, round), out var values)
            ? members.Select(member => member.Key).Where(key => values.Values.Count(voters => voters.Contains(key)) > 1)
            : [];
}
