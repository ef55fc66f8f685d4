using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Simulator.Oracle;

/// <summary>
/// Names who is to blame when two different blocks are final at one height, from the votes alone. More than a third of the power must have
/// broken a rule: signed twice in a step, precommitted what was not prevoted by two thirds, or, locked on one block, prevoted another that
/// two thirds had not prevoted since.
/// </summary>
internal static class Auditor
{
    /// <summary>The culprits, in order of their keys.</summary>
    public static IReadOnlyList<PublicKey> Blame(Disagreement disagreement, VoteLog log)
    {
        var (first, second) = disagreement.First.Round <= disagreement.Second.Round ? (disagreement.First, disagreement.Second) : (disagreement.Second, disagreement.First);
        var culprits = new HashSet<PublicKey>();
        foreach (var round in log.Rounds)
        {
            culprits.UnionWith(log.Equivocators(VoteType.Prevote, round));
            culprits.UnionWith(log.Equivocators(VoteType.Precommit, round));
        }

        foreach (var decision in (Decision[])[first, second])
        {
            if (!log.HasPolka(decision.Round, decision.BlockId)) culprits.UnionWith(decision.Signers.Where(signer => !log.HasPolka(decision.Round, decision.BlockId, signer)));
        }

        if (first.Round == second.Round) culprits.UnionWith(first.Signers.Intersect(second.Signers));
        else culprits.UnionWith(Forgetful(first, second, log));
        return [.. culprits.Order()];
    }

    /// <summary>Who precommitted the first block and, in the first later round in which another one won, prevoted that without a reason.</summary>
    private static IEnumerable<PublicKey> Forgetful(Decision first, Decision second, VoteLog log)
    {
        var locked = first.Signers.Union(log.Voters(VoteType.Precommit, first.Round, first.BlockId)).ToHashSet();
        for (var round = first.Round + 1; round <= second.Round; round++)
        {
            foreach (var block in log.Blocks(VoteType.Prevote, round).Where(block => block != first.BlockId && log.HasPolka(round, block)))
            {
                var hasReason = log.HasPolka(first.Round, block);
                return hasReason ? [] : log.Voters(VoteType.Prevote, round, block).Where(locked.Contains);
            }
        }

        return [];
    }

    /// <summary>Why a correct validator would not be in this round yet; null when it may.</summary>
    public static string? ProblemOfRound(Vote vote, VoteLog log)
    {
        if (vote.Round == 0) return null;
        var whole = Power.Of(log.Members);
        if (Power.IsMoreThanTwoThirds(log.PowerSeen(vote.Round - 1, VoteType.Precommit, vote.Validator), whole)) return null; // L47, L65
        var others = log.PowerSeen(vote.Round, type: null, vote.Validator) - Power.Of(log.Members.Where(member => member.Key == vote.Validator));
        return Power.IsMoreThanAThird(others, whole) ? null : $"neither have two thirds precommitted in round {vote.Round - 1}, nor has a third come to round {vote.Round}"; // L55
    }

    /// <summary>Why a correct validator would not have sent this prevote, given all that was sent before; null when it may.</summary>
    public static string? ProblemOfPrevote(Vote prevote, RoundAndBlock? locked, VoteLog log)
    {
        if (prevote.BlockId is not { } block || locked is not { } own || own.Round >= prevote.Round || own.Block == block) return null;
        for (var round = own.Round; round < prevote.Round; round++)
        {
            if (log.HasPolka(round, block, prevote.Validator)) return null;
        }

        return $"it is locked on {own.Block} since round {own.Round}, and no round since had two thirds of the prevotes for {block}";
    }

    /// <summary>Why a correct validator would not have sent this precommit; null when it may.</summary>
    public static string? ProblemOfPrecommit(Vote precommit, VoteLog log) =>
        precommit.BlockId is { } block && !log.HasPolka(precommit.Round, block, precommit.Validator) ? $"round {precommit.Round} has no two thirds of the prevotes for {block}" : null;
}

/// <summary>A block, and the round in which it was precommitted.</summary>
internal readonly record struct RoundAndBlock(uint Round, Hash256 Block);
