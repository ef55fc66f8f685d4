using Vivim.Protocol;
using Vivim.Protocol.Consensus;

namespace Vivim.Chain.Consensus;

/// <summary>
/// The votes of one step of a round, counted by power. A validator's first vote counts; another one is evidence, and counts for its block only
/// where more than a third of the power has voted for it first (docs/decisions/0006). So the memory stays bounded.
/// </summary>
internal sealed class StepVotes(ValidatorSet validators)
{
    private readonly Vote?[] first = new Vote?[validators.Count];
    private readonly Dictionary<Hash256, ulong> firstPower = [];
    private readonly Dictionary<(int Index, Hash256 Value), Vote> further = [];
    private readonly Dictionary<Hash256, ulong> furtherPower = [];
    private readonly HashSet<int> equivocators = [];
    private ulong nilPower;

    /// <summary>The power of all that have voted.</summary>
    public ulong Power { get; private set; }

    /// <summary>Votes held.</summary>
    public int Count { get; private set; }

    /// <summary>A validator's first vote, or null.</summary>
    public Vote? First(int index) => first[index];

    /// <summary>Counts a vote of the validator at <paramref name="index"/>.</summary>
    /// <returns>Evidence, once, when it has voted differently before.</returns>
    public Evidence? Add(int index, Vote vote)
    {
        var power = validators[index].Power;
        if (first[index] is not { } before)
        {
            first[index] = vote;
            Count++;
            Power += power;
            if (vote.BlockId is { } block) firstPower[block] = firstPower.GetValueOrDefault(block) + power;
            else nilPower += power;
            return null;
        }

        if (before.BlockId == vote.BlockId) return null;
        if (vote.BlockId is { } other && validators.IsOneCorrect(firstPower.GetValueOrDefault(other)) && further.TryAdd((index, other), vote))
        {
            Count++;
            furtherPower[other] = furtherPower.GetValueOrDefault(other) + power;
        }

        return equivocators.Add(index) ? new Evidence(before, vote) : null;
    }

    /// <summary>Forgets a validator's votes.</summary>
    public void Forget(int index)
    {
        if (first[index] is not { } vote) return;
        var power = validators[index].Power;
        first[index] = null;
        Count--;
        Power -= power;
        if (vote.BlockId is { } block) firstPower[block] -= power;
        else nilPower -= power;
        foreach (var (_, value) in further.Keys.Where(key => key.Index == index).ToList())
        {
            further.Remove((index, value));
            Count--;
            furtherPower[value] -= power;
        }
    }

    /// <summary>More than two thirds of the power for one value, or for nil.</summary>
    public bool HasQuorum(Hash256? value) => validators.IsQuorum(value is { } block ? PowerOf(block) : nilPower);

    /// <summary>The block that more than two thirds of the power have voted for, or null.</summary>
    public Hash256? BlockWithQuorum()
    {
        // Two thirds hold a third whose first vote this is.
        foreach (var block in firstPower.Keys)
        {
            if (validators.IsQuorum(PowerOf(block))) return block;
        }

        return null;
    }

    /// <summary>A validator's vote for a block or nil, or null.</summary>
    public Vote? For(int index, Hash256? value) =>
        first[index] is { } vote && vote.BlockId == value ? vote : value is { } block ? further.GetValueOrDefault((index, block)) : null;

    private ulong PowerOf(Hash256 block) => firstPower.GetValueOrDefault(block) + furtherPower.GetValueOrDefault(block);
}
