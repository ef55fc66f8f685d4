using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;

namespace Vivim.Simulator.Oracle;

/// <summary>Who votes at each height, derived from the genesis and the blocks: by proof of equivocation, and by what the authorities want.</summary>
internal sealed class MemberSchedule(IReadOnlyList<Member> genesis)
{
    /// <summary>Nobody is jailed where fewer would be left.</summary>
    private const int LeastActive = 4;

    private readonly List<IReadOnlyList<Member>> sets = [genesis, genesis];
    private readonly Dictionary<PublicKey, Proposed> open = [];

    private sealed record Proposed(Hash256 Id, Member Wanted, List<PublicKey> Approvals);

    /// <summary>The members of a height, as far as the blocks decide it: the last known ones beyond that.</summary>
    public IReadOnlyList<Member> At(ulong height) => sets[(int)Math.Min(Math.Max(height, 1) - 1, (ulong)sets.Count - 1)];

    /// <summary>A block is final: it decides who votes two heights later.</summary>
    public void Extend(Block block)
    {
        var next = sets[^1].ToList();
        foreach (var evidence in block.Evidence)
        {
            if (next.Count > LeastActive) next.RemoveAll(member => member.Key == evidence.First.Validator);
        }

        foreach (var envelope in block.Transactions)
        {
            if (Transaction.TryDecode(envelope, out var transaction, out _)) next = Execute(transaction, At(block.Header.Height), next);
        }

        sets.Add(next);
    }

    /// <summary>The hash that headers commit to.</summary>
    public static Hash256 Hash(IReadOnlyList<Member> members)
    {
        var writer = new CanonicalWriter().U32((uint)members.Count);
        foreach (var member in members.OrderBy(member => member.Key)) writer.Raw(member.Key.Bytes).U64(member.Power);
        return Hash256.Of(writer.Written);
    }

    private List<Member> Execute(Transaction transaction, IReadOnlyList<Member> authorities, List<Member> next)
    {
        switch (transaction.Action)
        {
            case ProposeValidatorChange change when IsPossible(next, new Member(change.Validator, change.Power)):
                var proposer = transaction.Sender.Key;
                return Settle(proposer, new Proposed(transaction.Id, new Member(change.Validator, change.Power), [proposer]), authorities, next);
            case ApproveValidatorChange approval when open.TryGetValue(approval.Proposer, out var proposed) && proposed.Id == approval.ProposalId
                    && !proposed.Approvals.Contains(transaction.Sender.Key) && IsPossible(next, proposed.Wanted):
                proposed.Approvals.Add(transaction.Sender.Key);
                return Settle(approval.Proposer, proposed, authorities, next);
            default:
                return next;
        }
    }

    private static bool IsPossible(List<Member> members, Member wanted)
    {
        var now = members.Find(member => member.Key == wanted.Key).Power;
        return now != wanted.Power && (wanted.Power > 0 || members.Count > 1);
    }

    private List<Member> Settle(PublicKey proposer, Proposed proposed, IReadOnlyList<Member> authorities, List<Member> next)
    {
        open[proposer] = proposed;
        if (!Power.IsMoreThanTwoThirds(Power.Of(authorities.Where(member => proposed.Approvals.Contains(member.Key))), Power.Of(authorities))) return next;
        open.Remove(proposer);
        var others = next.Where(member => member.Key != proposed.Wanted.Key);
        return [.. proposed.Wanted.Power > 0 ? others.Append(proposed.Wanted) : others];
    }
}
