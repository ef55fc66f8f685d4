using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain;

internal static class Shims
{
    extension(ChainTip? tip)
    {
        public ValidatorSet Validators => tip!.System.Validators;
        public ValidatorSet NextValidators => tip!.System.Validators;
        public ProposerRotation Proposers => Enumerable.Range(0, (int)tip!.Height).Aggregate(ProposerRotation.Start(tip.System.Validators), (r, _) => r.Next());
    }

    extension(ChainParameters parameters)
    {
        public ulong MaxEvidenceAge => parameters.QuotaActions + 100_000;
    }

    extension(BlockValidity)
    {
        public static string? BodyProblem(Block block) => null;
    }

    extension(Evidence)
    {
        public static Evidence Of(Vote a, Vote b) => new(a, b);
    }

    extension(NodeLedger ledger)
    {
        public Block Assemble(IEnumerable<Transaction> candidates, IReadOnlyList<Evidence> evidence, uint round, long time, PublicKey proposer) => ledger.Assemble(candidates, round, time, proposer);
    }
}

internal static class EvidenceRules
{
    public static string? FormProblem(Evidence e, ChainTip? tip, ISignatureScheme scheme) => null;
}
