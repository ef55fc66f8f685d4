using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;
using Vivim.Protocol.State;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Execution;

/// <content>How the validator set changes: by the authorities, and by evidence. Both take effect two heights later.</content>
internal sealed partial class RulesV1
{
    /// <summary>Jailing never leaves fewer: below four validators not even one may be faulty, and the chain would stop for a lesser evil.</summary>
    private const int MinActive = 4;

    public override void Punish(Evidence evidence, BlockEffects block)
    {
        var key = evidence.First.Validator;
        var offender = Did.OfKey(key);
        block.State.Set(StateKey.Evidence(evidence.First), HeightOf(block));
        block.Emit(LedgerEventType.EquivocationProven, offender, offender, evidence.Id);
        if (block.Scheduled.Count <= MinActive || block.Change(key, 0) is not { } remaining) return;
        block.State.Set(StateKey.Jail(key), HeightOf(block));
        block.Emit(LedgerEventType.ValidatorJailed, offender, offender, evidence.Id);
        block.Schedule(remaining);
        block.Emit(LedgerEventType.ValidatorSetChanged, offender, offender, evidence.Id);
    }

    private static ReceiptCode Propose(ProposeValidatorChange action, Transaction transaction, BlockEffects block)
    {
        if (block.Change(action.Validator, action.Power) is not { } changed) return ReceiptCode.ChangeImpossible;
        var authority = transaction.Sender.Key;
        block.Emit(LedgerEventType.ValidatorChangeProposed, transaction.Sender, Did.OfKey(action.Validator), transaction.Id);
        var proposal = new ValidatorProposal(transaction.Id, action.Validator, action.Power, block.Height, [authority]);
        Settle(proposal, authority, changed, transaction, block);
        return ReceiptCode.Ok;
    }

    private static ReceiptCode Approve(ApproveValidatorChange action, Transaction transaction, BlockEffects block)
    {
        var authority = transaction.Sender.Key;
        if (block.State.Get(StateKey.Proposal(action.Proposer)) is not { } bytes) return ReceiptCode.ProposalUnknown;
        var proposal = ValidatorProposal.FromBytes(bytes);
        if (proposal.Id != action.ProposalId || proposal.IsExpired(block.Height)) return ReceiptCode.ProposalUnknown;
        if (proposal.Approvals.Contains(authority)) return ReceiptCode.AlreadyApproved;
        if (block.Change(proposal.Validator, proposal.Power) is not { } changed) return ReceiptCode.ChangeImpossible;
        block.Emit(LedgerEventType.ValidatorChangeApproved, transaction.Sender, Did.OfKey(proposal.Validator), transaction.Id);

        // Those who are no authorities any more do not count, and need no place.
        PublicKey[] approvals = [.. proposal.Approvals.Where(key => block.Authorities.IndexOf(key) >= 0).Append(authority).Order()];
        Settle(proposal with { Approvals = approvals }, action.Proposer, changed, transaction, block);
        return ReceiptCode.Ok;
    }

    /// <summary>Makes the change where enough have approved, else keeps the proposal.</summary>
    private static void Settle(ValidatorProposal proposal, PublicKey proposer, ValidatorSet changed, Transaction transaction, BlockEffects block)
    {
        var key = StateKey.Proposal(proposer);
        ulong power = 0;
        foreach (var approval in proposal.Approvals) power += block.Authorities[block.Authorities.IndexOf(approval)].Power;
        if (!block.Authorities.IsQuorum(power))
        {
            block.State.Set(key, proposal.ToBytes());
            return;
        }

        if (block.State.Get(key) is not null) block.State.Set(key, null);
        if (proposal.Power > 0 && block.State.Get(StateKey.Jail(proposal.Validator)) is not null) block.State.Set(StateKey.Jail(proposal.Validator), null);
        block.Schedule(changed);
        block.Emit(LedgerEventType.ValidatorSetChanged, transaction.Sender, Did.OfKey(proposal.Validator), transaction.Id);
    }

    private static byte[] HeightOf(BlockEffects block) => new CanonicalWriter(8).U64(block.Height).ToArray();
}
