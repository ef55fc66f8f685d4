using Vivim.Ledger.State;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Ledger;

/// <summary>The rules of validator changes and evidence written down a second time: every height's validators in full, nothing forgotten.</summary>
internal sealed class NaiveValidators(ChainParameters parameters)
{
    private readonly Dictionary<ulong, Dictionary<Did, ulong>> sets = new() { [1] = First(), [2] = First() };
    private readonly Dictionary<Did, (Hash256 Id, Did Validator, ulong Power, HashSet<Did> Approvals)> proposals = [];
    private readonly HashSet<(Did Validator, ulong Height, uint Round, VoteType Type)> punished = [];
    private ulong now;

    public IReadOnlyDictionary<ulong, Dictionary<Did, ulong>> Sets => sets;

    /// <summary>Starts a block: the set of two heights later is that of the next, and evidence comes first.</summary>
    public List<Evidence> Begin(ulong height, IEnumerable<Evidence> evidence, List<(LedgerEventType Type, Did Actor, Did Subject)> events)
    {
        now = height;
        sets[height + 2] = new(sets[height + 1]);
        var proven = new List<Evidence>();
        foreach (var one in evidence.OrderBy(e => StateKey.Evidence(e.First), KeyComparer.Instance))
        {
            var (vote, offender) = (one.First, Did.OfKey(one.First.Validator));
            if (vote.Height == 0 || vote.Height > height || height - vote.Height > parameters.MaxEvidenceAge || !sets[vote.Height].ContainsKey(offender)) continue;
            if (!punished.Add((offender, vote.Height, vote.Round, vote.Type))) continue;
            proven.Add(one);
            events.Add((LedgerEventType.EquivocationProven, offender, offender));
            if (sets[height + 2].Count <= 4 || !sets[height + 2].Remove(offender)) continue;
            events.Add((LedgerEventType.ValidatorJailed, offender, offender));
            events.Add((LedgerEventType.ValidatorSetChanged, offender, offender));
        }

        return proven;
    }

    public ReceiptCode Execute(Transaction transaction, List<(LedgerEventType Type, Did Actor, Did Subject)> events)
    {
        var sender = transaction.Sender;
        if (transaction.Action is ProposeValidatorChange propose)
        {
            var validator = Did.OfKey(propose.Validator);
            if (!IsPossible(validator, propose.Power)) return ReceiptCode.ChangeImpossible;
            proposals[sender] = (transaction.Id, validator, propose.Power, [sender]);
            events.Add((LedgerEventType.ValidatorChangeProposed, sender, validator));
            Count(sender, sender, events);
            return ReceiptCode.Ok;
        }

        var approve = (ApproveValidatorChange)transaction.Action;
        var proposer = Did.OfKey(approve.Proposer);
        if (!proposals.TryGetValue(proposer, out var proposal) || proposal.Id != approve.ProposalId) return ReceiptCode.ProposalUnknown;
        if (proposal.Approvals.Contains(sender)) return ReceiptCode.AlreadyApproved;
        if (!IsPossible(proposal.Validator, proposal.Power)) return ReceiptCode.ChangeImpossible;
        proposal.Approvals.RemoveWhere(who => !sets[now].ContainsKey(who));
        proposal.Approvals.Add(sender);
        events.Add((LedgerEventType.ValidatorChangeApproved, sender, proposal.Validator));
        Count(proposer, sender, events);
        return ReceiptCode.Ok;
    }

    private static Dictionary<Did, ulong> First() => Enumerable.Range(0, 5).ToDictionary(i => TestChain.ValidatorOf(i).KeyDid, _ => 1UL);

    private bool IsPossible(Did validator, ulong power)
    {
        var next = sets[now + 2];
        return power == 0 ? next.ContainsKey(validator) && next.Count > 1 : next.GetValueOrDefault(validator) != power;
    }

    private void Count(Did proposer, Did sender, List<(LedgerEventType Type, Did Actor, Did Subject)> events)
    {
        var (_, validator, power, approvals) = proposals[proposer];
        var authorities = sets[now];
        if (authorities.Where(a => approvals.Contains(a.Key)).Sum(a => (long)a.Value) * 3 <= authorities.Values.Sum(p => (long)p) * 2) return;
        proposals.Remove(proposer);
        if (power == 0) sets[now + 2].Remove(validator);
        else sets[now + 2][validator] = power;
        events.Add((LedgerEventType.ValidatorSetChanged, sender, validator));
    }
}
