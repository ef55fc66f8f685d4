using Vivim.Ledger.State;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;
using Vivim.Protocol.State;

namespace Vivim.Ledger.Execution;

/// <summary>Which evidence the next block may carry, judged against the parent's state alone: it expires by heights, so that everybody finds the same.</summary>
public static class EvidenceRules
{
    /// <summary>Null when a block on this tip may carry the evidence, else a sentence saying why not.</summary>
    public static string? Problem(Evidence evidence, ChainTip tip, IStateReader parent, ISignatureScheme scheme) =>
        parent.Get(KeyOf(evidence)) is null ? FormProblem(evidence, tip, scheme) : "it has been committed before";

    /// <summary>The same without looking whether it has been committed before, for who has no state at hand.</summary>
    public static string? FormProblem(Evidence evidence, ChainTip tip, ISignatureScheme scheme)
    {
        var (first, second) = (evidence.First, evidence.Second);
        if (first.Type != second.Type || first.Height != second.Height || first.Round != second.Round || first.Validator != second.Validator) return "its votes are not of one validator for one step";
        if (first.BlockId == second.BlockId) return "its votes are for the same block";
        var next = tip.Height + 1;
        if (first.Height > next) return $"its votes are for height {first.Height}, the next is {next}";
        if (next - first.Height > tip.System.Parameters.MaxEvidenceAge) return $"its votes are for height {first.Height}, more than {tip.System.Parameters.MaxEvidenceAge} heights ago";
        if (tip.System.Schedule.At(first.Height) is not { } validators) return $"the validators of height {first.Height} are no longer known";
        if (validators.IndexOf(first.Validator) < 0) return $"{first.Validator} was not a validator of height {first.Height}";
        return first.SignatureVerifies(tip.ChainId, scheme) && second.SignatureVerifies(tip.ChainId, scheme) ? null : "a vote's signature does not verify";
    }

    /// <summary>Those that a block may carry, in the order in which it must, each step of a validator once, as many as one block takes.</summary>
    public static IReadOnlyList<Evidence> Select(IEnumerable<Evidence> offered, ChainTip tip, IStateReader parent, ISignatureScheme scheme) =>
        [.. offered.Where(evidence => Problem(evidence, tip, parent, scheme) is null).DistinctBy(KeyOf, KeyComparer.Instance).OrderBy(KeyOf, KeyComparer.Instance).Take(Block.MaxEvidence)];

    /// <summary>Checks all evidence of a block: ascending by state key, so that none is there twice and there is one order.</summary>
    /// <exception cref="InvalidBlockException">The block may not carry it.</exception>
    internal static void Check(IReadOnlyList<Evidence> evidence, ChainTip tip, IStateReader parent, ISignatureScheme scheme)
    {
        if (evidence.Count > Block.MaxEvidence) throw new InvalidBlockException($"it has {evidence.Count} pieces of evidence, at most {Block.MaxEvidence} are allowed");
        for (var i = 0; i < evidence.Count; i++)
        {
            if (i > 0 && KeyComparer.Instance.Compare(KeyOf(evidence[i - 1]), KeyOf(evidence[i])) >= 0) throw new InvalidBlockException($"evidence {i} is not in order, or there twice");
            if (Problem(evidence[i], tip, parent, scheme) is { } problem) throw new InvalidBlockException($"evidence {i} may not be included: {problem}");
        }
    }

    private static byte[] KeyOf(Evidence evidence) => StateKey.Evidence(evidence.First);
}
