using Vivim.Protocol;
using Vivim.Protocol.Consensus;

namespace Vivim.Chain.Consensus;

/// <summary>
/// The votes of one height, counted by power. A validator's first vote of a step counts; another one is evidence, and counts for its block only
/// where more than a third of the power has voted for it. It must count there: a liar who tells some of us one thing and the rest another would
/// otherwise leave us with different quorums for ever (the paper counts every message). It counts only there, so that the memory stays bounded.
/// </summary>
internal sealed class VoteKeeper(ValidatorSet validators)
{
    private readonly Dictionary<(uint Round, VoteType Type), StepVotes> steps = [];

    private sealed class StepVotes(int validators)
    {
        public Vote?[] First { get; } = new Vote?[validators];

        public HashSet<(int Index, Vote Vote)> Further { get; } = [];

        public HashSet<int> Equivocators { get; } = [];

        /// <summary>A validator's vote for a value, or null.</summary>
        public Vote? For(int index, Hash256? value) =>
            First[index] is { } vote && vote.BlockId == value ? vote : Further.FirstOrDefault(further => further.Index == index && further.Vote.BlockId == value).Vote;
    }

    /// <summary>Counts a vote.</summary>
    /// <returns>Evidence, once, when the validator has voted differently before.</returns>
    public Evidence? Add(Vote vote)
    {
        var index = validators.IndexOf(vote.Validator);
        if (index < 0) return null;
        if (!steps.TryGetValue((vote.Round, vote.Type), out var step)) steps[(vote.Round, vote.Type)] = step = new StepVotes(validators.Count);
        if (step.First[index] is not { } first)
        {
            step.First[index] = vote;
            return null;
        }

        if (step.For(index, vote.BlockId) is not null) return null;
        if (validators.IsOneCorrect(PowerWhere(i => step.First[i] is { } other && other.BlockId == vote.BlockId))) step.Further.Add((index, vote));
        return step.Equivocators.Add(index) ? new Evidence(first, vote) : null;
    }

    /// <summary>More than two thirds of the power for one value, or for nil.</summary>
    public bool HasQuorum(VoteType type, uint round, Hash256? value) =>
        steps.TryGetValue((round, type), out var step) && validators.IsQuorum(PowerWhere(i => step.For(i, value) is not null));

    /// <summary>More than two thirds of the power for anything.</summary>
    public bool HasQuorumOfAny(VoteType type, uint round) =>
        steps.TryGetValue((round, type), out var step) && validators.IsQuorum(PowerWhere(i => step.First[i] is not null));

    /// <summary>The block that more than two thirds of the power have voted for, or null.</summary>
    public Hash256? BlockWithQuorum(VoteType type, uint round)
    {
        if (!steps.TryGetValue((round, type), out var step)) return null;
        // Two thirds hold a third whose first vote this is.
        foreach (var value in step.First.Where(vote => vote?.BlockId is not null).Select(vote => vote!.BlockId).Distinct())
        {
            if (HasQuorum(type, round, value)) return value;
        }

        return null;
    }

    /// <summary>The power of those who have sent any vote of a round, each counted once.</summary>
    public ulong PowerSeen(uint round)
    {
        var prevotes = steps.GetValueOrDefault((round, VoteType.Prevote));
        var precommits = steps.GetValueOrDefault((round, VoteType.Precommit));
        return PowerWhere(i => prevotes?.First[i] is not null || precommits?.First[i] is not null);
    }

    /// <summary>The precommits for a block, as a certificate.</summary>
    public CommitCertificate Certificate(ulong height, uint round, Hash256 blockId)
    {
        var step = steps[(round, VoteType.Precommit)];
        var signatures = new List<CommitSignature>(validators.Count);
        for (var i = 0; i < validators.Count; i++)
        {
            if (step.For(i, blockId) is { } vote) signatures.Add(new CommitSignature((ushort)i, vote.Signature));
        }

        return new CommitCertificate(height, round, blockId, signatures);
    }

    private ulong PowerWhere(Func<int, bool> counts)
    {
        ulong power = 0;
        for (var i = 0; i < validators.Count; i++)
        {
            if (counts(i)) power += validators[i].Power;
        }

        return power;
    }
}
