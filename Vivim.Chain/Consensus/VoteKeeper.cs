using Vivim.Protocol;
using Vivim.Protocol.Consensus;

namespace Vivim.Chain.Consensus;

/// <summary>
/// The votes of one height. Of each validator only the highest two rounds beyond the next one are kept: enough to learn that others have gone on
/// (L55), and a flood of votes for future rounds takes no memory.
/// </summary>
internal sealed class VoteKeeper(ValidatorSet validators)
{
    private const int MaxFarRounds = 2;

    private readonly Dictionary<(uint Round, VoteType Type), StepVotes> steps = [];
    private readonly Dictionary<int, SortedSet<uint>> farRounds = [];

    /// <summary>Votes held.</summary>
    public int Count => steps.Values.Sum(step => step.Count);

    /// <summary>Counts a vote by a member of the set.</summary>
    /// <param name="current">The round under way.</param>
    /// <returns>Evidence, once, when the validator has voted differently before.</returns>
    public Evidence? Add(Vote vote, uint current)
    {
        var index = validators.IndexOf(vote.Validator);
        if (index < 0 || (vote.Round > current + 1 && !TakeFar(index, vote.Round, current))) return null;
        if (!steps.TryGetValue((vote.Round, vote.Type), out var step)) steps[(vote.Round, vote.Type)] = step = new StepVotes(validators);
        return step.Add(index, vote);
    }

    /// <summary>Whether this vote is held.</summary>
    public bool Has(Vote vote)
    {
        var index = validators.IndexOf(vote.Validator);
        return index >= 0 && Step(vote.Type, vote.Round)?.For(index, vote.BlockId) is not null;
    }

    /// <summary>More than two thirds of the power for one value, or for nil.</summary>
    public bool HasQuorum(VoteType type, uint round, Hash256? value) => Step(type, round)?.HasQuorum(value) == true;

    /// <summary>More than two thirds of the power for anything.</summary>
    public bool HasQuorumOfAny(VoteType type, uint round) => Step(type, round) is { } step && validators.IsQuorum(step.Power);

    /// <summary>The block that more than two thirds of the power have voted for, or null.</summary>
    public Hash256? BlockWithQuorum(VoteType type, uint round) => Step(type, round)?.BlockWithQuorum();

    /// <summary>The power of those who have sent any vote of a round, each counted once.</summary>
    public ulong PowerSeen(uint round)
    {
        var (prevotes, precommits) = (Step(VoteType.Prevote, round), Step(VoteType.Precommit, round));
        ulong power = 0;
        for (var i = 0; i < validators.Count; i++)
        {
            if (prevotes?.First(i) is not null || precommits?.First(i) is not null) power += validators[i].Power;
        }

        return power;
    }

    /// <summary>Whose votes of a step are held.</summary>
    public VoteBits Bits(VoteType type, uint round) => Step(type, round) is { } step ? VoteBits.Of(validators.Count, i => step.First(i) is not null) : default;

    /// <summary>The first votes of a step, but for those of validators in <paramref name="except"/>.</summary>
    public IEnumerable<Vote> Missing(VoteType type, uint round, VoteBits except)
    {
        if (Step(type, round) is not { } step) yield break;
        for (var i = 0; i < validators.Count; i++)
        {
            if (!except.Contains(i) && step.First(i) is { } vote) yield return vote;
        }
    }

    /// <summary>All votes for one block.</summary>
    public IEnumerable<Vote> For(VoteType type, uint round, Hash256 block)
    {
        if (Step(type, round) is not { } step) yield break;
        for (var i = 0; i < validators.Count; i++)
        {
            if (step.For(i, block) is { } vote) yield return vote;
        }
    }

    /// <summary>The precommits for a block, as a certificate.</summary>
    public CommitCertificate Certificate(ulong height, uint round, Hash256 block) =>
        new(height, round, block, [.. For(VoteType.Precommit, round, block).Select(vote => new CommitSignature((ushort)validators.IndexOf(vote.Validator), vote.Signature))]);

    private StepVotes? Step(VoteType type, uint round) => steps.GetValueOrDefault((round, type));

    /// <summary>Makes room for a vote far ahead: false when its round is below those held already.</summary>
    private bool TakeFar(int index, uint round, uint current)
    {
        if (!farRounds.TryGetValue(index, out var rounds)) farRounds[index] = rounds = [];
        rounds.RemoveWhere(far => far <= current + 1);
        if (rounds.Contains(round)) return true;
        if (rounds.Count == MaxFarRounds)
        {
            if (round < rounds.Min) return false;
            Drop(index, rounds.Min);
            rounds.Remove(rounds.Min);
        }

        rounds.Add(round);
        return true;
    }

    private void Drop(int index, uint round)
    {
        foreach (var type in Enum.GetValues<VoteType>())
        {
            if (Step(type, round) is not { } step) continue;
            step.Forget(index);
            if (step.Count == 0) steps.Remove((round, type));
        }
    }
}
