namespace Vivim.Simulator.Mutants;

/// <summary>Wrong versions of the program that the simulator must catch.</summary>
internal static class MutantTable
{
    private const string Core = "Vivim.Chain/Consensus/TendermintCore.cs";
    private const string Validator = "Vivim.Chain/Consensus/ValidatorCore.cs";
    private const string Proposals = "Vivim.Chain/Consensus/ValidatorCore.Proposals.cs";
    private const string Votes = "Vivim.Chain/Consensus/VoteKeeper.cs";
    private const string Row = "Vivim.Chain/Consensus/SignerRow.cs";
    private const string Sync = "Vivim.Chain/Sync/SyncCore.cs";
    private const string Pool = "Vivim.Chain/Pool/PoolCore.cs";
    private const string Evidence = "Vivim.Ledger/Execution/EvidenceRules.cs";
    private const string Inclusion = "Vivim.Ledger/Execution/InclusionRules.cs";
    private const string Validity = "Vivim.Ledger/Execution/BlockValidity.cs";
    private const string Sets = "Vivim.Protocol/Consensus/ValidatorSet.cs";
    private const string Rotation = "Vivim.Protocol/Consensus/ProposerRotation.cs";
    private const string SignerStore = "Vivim.Simulator/Storage/SignerFile.cs";

    private const string Timely = "return header.Round == item.Proposal.Round && item.ReceivedAt";
    private const string OldIsTimely = "if (item.Proposal.ValidRound >= 0 || block is null ||";
    private const string AnyIsTimely = "if (block is null ||";

    public static readonly IReadOnlyList<Mutant> All =
    [
        new("L29-valid-round", "a polka older than the lock undoes it", new Edit(Core, "(wasValid && Locked.Round <= validRound)", "wasValid")),
        new("L23-lock-ignored", "a lock does not keep from prevoting something new", new Edit(Core, "var isFree = Locked.Round == -1 ||", "var isFree = isNew || Locked.Round == -1 ||")),
        new("L38-no-lock", "nothing is locked with a precommit", new Edit(Core, "Locked = new RoundValue((int)Round, value); // L38-39", "")),
        new("L42-no-valid-value", "a value with a polka is not proposed again", new Edit(Core, "Valid = new RoundValue((int)Round, value); // L42-43", "")),
        new("L28-no-polka", "an old value is prevoted without the polka it claims", new Edit(Core, "validRound < Round && votes.HasQuorum(VoteType.Prevote, (uint)validRound, value)", "validRound < Round")),
        new("L49-decides-on-prevotes", "two thirds of the prevotes decide", new Edit(Core, "if (votes.BlockWithQuorum(VoteType.Precommit, round) is not { } value", "if (votes.BlockWithQuorum(VoteType.Prevote, round) is not { } value")),
        new("L55-counts-twice", "who votes twice in a round counts twice for going there", new Edit(Votes, "if (prevotes?.First(i) is not null || precommits?.First(i) is not null) power += validators[i].Power;", "if (prevotes?.First(i) is not null) power += validators[i].Power;\n            if (precommits?.First(i) is not null) power += validators[i].Power;")),
        new("quorum-off-by-one", "of four validators two are a quorum", new Edit(Sets, "checked(power * 3) > checked(TotalPower * 2)", "checked(power * 2) >= TotalPower")),
        new("votes-unjudged", "a block is prevoted before it is judged", new Edit(Core, "Prevote(IsValid(Round, value) && isFree", "Prevote(isFree")),
        new("round-compared-again", "a block proposed again must be made in its new round", new Edit(Proposals, OldIsTimely, AnyIsTimely), new Edit(Proposals, Timely, "return header.Round == item.Proposal.Round; //"), new Edit(Core, "!(isNew && untimely.Contains(Round))", "!untimely.Contains(Round)")),
        new("time-compared-again", "a block proposed again must be timely", new Edit(Proposals, OldIsTimely, AnyIsTimely), new Edit(Proposals, Timely, "return item.ReceivedAt"), new Edit(Core, "!(isNew && untimely.Contains(Round))", "!untimely.Contains(Round)")),
        new("row-after-sending", "the signer's row is written after the message has left", new Edit(Validator, "outputs.Add(new ValidatorOutput.Record(signer.Row));\n        outputs.Add(new ValidatorOutput.Broadcast(message));", "outputs.Add(new ValidatorOutput.Broadcast(message));\n        outputs.Add(new ValidatorOutput.Record(signer.Row));")),
        new("row-keeps-last-message", "the signer's row holds only the last vote", new Edit(Row, "sameHeight ? Votes : []", "sameHeight && Version == 0 ? Votes : []")),
        new("row-loses-lock", "after a restart nothing is locked", new Edit(Core, "(resume.Round, resume.Step, resume.Locked, resume.Valid)", "(resume.Round, resume.Step, RoundValue.None, resume.Valid)")),
        new("grounds-forgotten", "after a restart the votes that lock and round rest on are gone", new Edit(Validator, "row.Standing.Grounds.Concat(row.Votes)", "row.Votes")),
        new("signs-anew", "after a restart the height is begun again and signed anew", new Edit(Validator, "if (signer.Row.Height == Height)\n", "if (signer.Row.Height == Height && Height == 0)\n"), new Edit(Row, "if (!isFirst && (height", "if (isFirst && (height")),
        new("version-ignored", "the signer's store lets anyone write", new Edit(SignerStore, "|| stored.Version != expectedVersion", "")),
        new("evidence-again", "evidence is committed again", new Edit(Evidence, "parent.Get(KeyOf(evidence)) is null ? FormProblem(evidence, tip, scheme) : \"it has been committed before\"", "FormProblem(evidence, tip, scheme)")),
        new("evidence-of-nothing", "two equal votes are evidence", new Edit(Evidence, "if (first.BlockId == second.BlockId) return \"its votes are for the same block\";", "")),
        new("sync-trusts", "blocks are taken from peers without looking at the certificate", new Edit(Sync, "return certificate.Verify(parent.ChainId, parent.Validators, scheme) ?? ", "return ")),
        new("nonce-used-again", "a used nonce may be included again", new Edit(Inclusion, "if (transaction.Nonce < sender.NextNonce) return", "if (transaction.Nonce + 1_000 < sender.NextNonce) return")),
        new("header-unchecked", "a block's header may say anything", new Edit(Validity, "if (header != expected)", "if (header.Height != expected.Height)")),
        new("proposer-does-not-pay", "who has proposed keeps the priority", new Edit(Rotation, "after[winner] -= Validators.TotalPower;", "")),
        new("pool-forgets", "the pool drops transactions before they expire", new Edit(Pool, "expiries.UpTo(Height)", "byId.Values.Where(waiting => waiting.Transaction.ExpiryHeight <= Height + 8 || waiting.Transaction.Nonce % 5 == 4).ToList()")),
        new("memory-unbounded", "votes for all future rounds are kept", new Edit(Votes, "if (rounds.Count == MaxFarRounds)", "if (rounds.Count == -1)")),
    ];
}
