using Vivim.Protocol;
using Vivim.Protocol.Consensus;

namespace Vivim.Chain.Consensus;

/// <summary>The votes of one height, counted by power. A validator's first vote of a step counts; a second, different one is evidence only.</summary>
internal sealed class VoteKeeper(ValidatorSet validators)
{
    private readonly Dictionary<(uint Round, VoteType Type), Vote?[]> votes = [];

    /// <summary>Counts a vote.</summary>
    /// <returns>Evidence when the validator has voted differently before.</returns>
    public Evidence? Add(Vote vote)
    {
        var index = validators.IndexOf(vote.Validator);
        if (index < 0) return null;
        if (!votes.TryGetValue((vote.Round, vote.Type), out var slots)) votes[(vote.Round, vote.Type)] = slots = new Vote?[validators.Count];
        if (slots[index] is not { } first)
        {
            slots[index] = vote;
            return null;
        }

        return first.BlockId == vote.BlockId ? null : new Evidence(first, vote);
    }

    /// <summary>More than two thirds of the power for one value, or for nil.</summary>
    public bool HasQuorum(VoteType type, uint round, Hash256? value) => validators.IsQuorum(Power(type, round, vote => vote.BlockId == value));

    /// <summary>More than two thirds of the power for anything.</summary>
    public bool HasQuorumOfAny(VoteType type, uint round) => validators.IsQuorum(Power(type, round, static _ => true));

    /// <summary>The power of those who have sent any vote of a round, each counted once.</summary>
    public ulong PowerSeen(uint round)
    {
        var prevotes = votes.GetValueOrDefault((round, VoteType.Prevote));
        var precommits = votes.GetValueOrDefault((round, VoteType.Precommit));
        ulong power = 0;
        for (var i = 0; i < validators.Count; i++)
        {
            if (prevotes?[i] is not null || precommits?[i] is not null) power += validators[i].Power;
        }

        return power;
    }

    /// <summary>The precommits for a block, as a certificate.</summary>
    public CommitCertificate Certificate(ulong height, uint round, Hash256 blockId)
    {
        var slots = votes[(round, VoteType.Precommit)];
        var signatures = new List<CommitSignature>(slots.Length);
        for (var i = 0; i < slots.Length; i++)
        {
            if (slots[i] is { } vote && vote.BlockId == blockId) signatures.Add(new CommitSignature((ushort)i, vote.Signature));
        }

        return new CommitCertificate(height, round, blockId, signatures);
    }

    private ulong Power(VoteType type, uint round, Func<Vote, bool> counts)
    {
        if (!votes.TryGetValue((round, type), out var slots)) return 0;
        ulong power = 0;
        for (var i = 0; i < slots.Length; i++)
        {
            if (slots[i] is { } vote && counts(vote)) power += validators[i].Power;
        }

        return power;
    }
}
