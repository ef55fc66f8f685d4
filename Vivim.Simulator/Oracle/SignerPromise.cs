using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Simulator.Oracle;

/// <summary>
/// What a correct key promises, whatever crashes and whoever runs it: it never signs two different messages for one step, precommits only what
/// two thirds have prevoted, and keeps its lock.
/// </summary>
internal sealed class SignerPromise
{
    private readonly Dictionary<(PublicKey Key, ulong Height, uint Round, byte Step), string> signed = [];
    private readonly Dictionary<(PublicKey Key, ulong Height), RoundAndBlock> locks = [];

    public void Check(Proposal proposal) => Once(proposal.Proposer, proposal.Height, proposal.Round, 1, $"{proposal.BlockId} with valid round {proposal.ValidRound}");

    /// <param name="log">All votes sent before this one.</param>
    public void Check(Vote vote, VoteLog log)
    {
        var isNew = Once(vote.Validator, vote.Height, vote.Round, vote.Type == VoteType.Prevote ? (byte)2 : (byte)3, vote.BlockId?.ToString() ?? "nil");
        if (!isNew) return;
        if (Auditor.ProblemOfRound(vote, log) is { } early) throw new ViolationException("round", $"{vote.Validator} sent a {vote.Type} at {vote.Height}/{vote.Round}, but {early}");
        var key = (vote.Validator, vote.Height);
        RoundAndBlock? locked = locks.TryGetValue(key, out var own) ? own : null;
        var problem = vote.Type == VoteType.Prevote ? Auditor.ProblemOfPrevote(vote, locked, log) : Auditor.ProblemOfPrecommit(vote, log);
        if (problem is not null) throw new ViolationException("lock", $"{vote.Validator} sent a {vote.Type} at {vote.Height}/{vote.Round} for {vote.BlockId}, but {problem}");
        if (vote is { Type: VoteType.Precommit, BlockId: { } block } && (locked is null || locked.Value.Round < vote.Round)) locks[key] = new RoundAndBlock(vote.Round, block);
    }

    private bool Once(PublicKey key, ulong height, uint round, byte step, string content)
    {
        if (signed.TryAdd((key, height, round, step), content)) return true;
        var before = signed[(key, height, round, step)];
        return before == content ? false : throw new ViolationException("double-sign", $"{key} signed twice at {height}/{round}, step {step}: {before}, then {content}");
    }
}
