using System.CommandLine;
using Vivim.Protocol;
using Vivim.Protocol.Identity;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim validators list|propose|approve</c>: who decides blocks, and how the authorities change that.</summary>
internal static class ValidatorCommands
{
    public static Command Build(VivimCommand vivim)
    {
        var list = vivim.Run(new Command("list", "List the validators of the next heights, the jailed, and open proposals"), async (context, cancellationToken) =>
        {
            Show(context.Terminal, await context.Client.ListValidatorsAsync(cancellationToken));
            return VivimCommand.Success;
        });
        return new Command("validators", "The validators and their authorities") { list, Propose(vivim), Approve(vivim) };
    }

    private static Command Propose(VivimCommand vivim)
    {
        var validator = new Option<Did>("--validator") { Description = "The validator's did:key", HelpName = "DID", Required = true, CustomParser = static result => ParseKey(result.Tokens[0].Value, result) };
        var power = new Option<ulong>("--power") { Description = "Its voting power to be; 0 removes it", HelpName = "N", Required = true };
        return vivim.Run(new Command("propose", "Propose, with a validator's key, another voting power for a validator") { validator, power }, async (context, cancellationToken) =>
        {
            using var key = context.OpenKey();
            var authority = context.Client.As(key);
            var (subject, wanted) = (context.Arguments.GetValue(validator), context.Arguments.GetValue(power));
            var receipt = await authority.ProposeValidatorChangeAsync(subject, wanted, cancellationToken);
            context.Terminal.Show(
                new { proposer = authority.KeyDid.ToString(), proposalId = receipt.TransactionId, validator = subject.ToString(), power = wanted, height = receipt.Height },
                ("proposer", authority.KeyDid), ("proposal", receipt.TransactionId), ("validator", subject), ("power", wanted), ("height", receipt.Height));
            context.Terminal.Remark($"the other validators approve it with: vivim validators approve {authority.KeyDid} {receipt.TransactionId}");
            return VivimCommand.Success;
        });
    }

    private static Command Approve(VivimCommand vivim)
    {
        var proposer = new Argument<Did>("PROPOSER") { Description = "The did:key of the authority that has proposed", CustomParser = static result => ParseKey(result.Tokens[0].Value, result) };
        var proposal = ChainCommands.Id("PROPOSAL_ID", "The proposal's id: 64 hexadecimal digits");
        return vivim.Run(new Command("approve", "Approve, with a validator's key, what another one has proposed") { proposer, proposal }, async (context, cancellationToken) =>
        {
            using var key = context.OpenKey();
            var authority = context.Client.As(key);
            var id = context.Arguments.GetValue(proposal);
            var receipt = await authority.ApproveValidatorChangeAsync(context.Arguments.GetValue(proposer), id, cancellationToken);
            context.Terminal.Show(
                new { approver = authority.KeyDid.ToString(), proposalId = id.ToString(), height = receipt.Height, transactionId = receipt.TransactionId },
                ("approver", authority.KeyDid), ("proposal", id), ("height", receipt.Height), ("transaction", receipt.TransactionId));
            return VivimCommand.Success;
        });
    }

    private static void Show(Terminal terminal, V1.ListValidatorsResponse answer)
    {
        var view = new
        {
            height = answer.Height,
            validators = answer.Validators.Select(v => new { validator = v.Validator, power = v.Power, nextPower = v.NextPower, isNextProposer = v.IsNextProposer, jailedAt = v.JailedAt == 0 ? (ulong?)null : v.JailedAt }).ToList(),
            proposals = answer.Proposals.Select(p => new
            {
                proposer = p.Proposer,
                proposalId = p.ProposalId,
                validator = p.Validator,
                power = p.Power,
                expiresAt = p.ExpiresAt,
                approvals = p.Approvals.ToArray(),
                approvedPower = p.ApprovedPower,
                neededPower = p.NeededPower,
            }).ToList(),
        };
        terminal.Show(view, text =>
        {
            text.Table(
                ["validator", $"power at {answer.Height}", $"at {answer.Height + 1}", ""],
                answer.Validators.Select(v => (string[])[v.Validator, $"{v.Power}", $"{v.NextPower}", v.IsNextProposer ? "next proposer" : v.JailedAt > 0 ? $"jailed at {v.JailedAt}" : ""]));
            foreach (var p in answer.Proposals)
            {
                text.Line($"{p.Proposer} proposes power {p.Power} for {p.Validator}: approved by {p.ApprovedPower}, {p.NeededPower} needed until height {p.ExpiresAt}");
                text.Line($"  vivim validators approve {p.Proposer} {p.ProposalId}");
            }
        });
    }

    private static Did ParseKey(string text, System.CommandLine.Parsing.ArgumentResult result)
    {
        if (Did.TryParse(text, out var did) && did.Method == DidMethod.Key) return did;
        result.AddError($"'{text}' is not a did:key (Ed25519)");
        return default;
    }
}
