using Vivim.Ledger;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.State;
using Vivim.Protocol.V1;
using StoredProposal = Vivim.Protocol.State.ValidatorProposal;

namespace Vivim.Gateway.Rpc;

/// <summary>The validators of the next heights and the open proposals, read from one state.</summary>
internal static class ValidatorList
{
    public static ListValidatorsResponse Of(NodeLedger ledger)
    {
        var tip = ledger.Tip;
        var jailed = ledger.Range(StateKey.JailsPrefix, [], int.MaxValue, certified: false).ToDictionary(row => StateKey.ParseValidator(row.Key), row => new CanonicalReader(row.Value).U64());
        var response = new ListValidatorsResponse { Height = tip.Height + 1 };
        response.Validators.AddRange(KeysOf(tip.Validators).Union(KeysOf(tip.NextValidators)).Union(jailed.Keys).Order().Select(key => new ValidatorEntry
        {
            Validator = Did.OfKey(key).ToString(),
            Power = PowerOf(tip.Validators, key),
            NextPower = PowerOf(tip.NextValidators, key),
            IsNextProposer = tip.Proposers.Proposer(0) == key,
            JailedAt = jailed.GetValueOrDefault(key),
        }));
        foreach (var (key, value) in ledger.Range(StateKey.ProposalsPrefix, [], int.MaxValue, certified: false))
        {
            var proposal = StoredProposal.FromBytes(value);
            if (!proposal.IsExpired(tip.Height + 1)) response.Proposals.Add(Message(StateKey.ParseValidator(key), proposal, tip.Validators));
        }

        return response;
    }

    private static Protocol.V1.ValidatorProposal Message(PublicKey proposer, StoredProposal proposal, ValidatorSet authorities)
    {
        var message = new Protocol.V1.ValidatorProposal
        {
            Proposer = Did.OfKey(proposer).ToString(),
            ProposalId = proposal.Id.ToString(),
            Validator = Did.OfKey(proposal.Validator).ToString(),
            Power = proposal.Power,
            ExpiresAt = proposal.ProposedAt + StoredProposal.Lifetime,
            NeededPower = authorities.QuorumPower,
        };
        foreach (var key in proposal.Approvals)
        {
            message.Approvals.Add(Did.OfKey(key).ToString());
            message.ApprovedPower += PowerOf(authorities, key);
        }

        return message;
    }

    private static IEnumerable<PublicKey> KeysOf(ValidatorSet set) => Enumerable.Range(0, set.Count).Select(i => set[i].Key);

    private static ulong PowerOf(ValidatorSet set, PublicKey key) => set.IndexOf(key) is >= 0 and var index ? set[index].Power : 0;
}
