using Vivim.Ledger.Execution;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>Evidence that waits for a block: one per offender, since one is enough to jail.</summary>
internal sealed class EvidencePool
{
    private readonly SortedDictionary<PublicKey, Evidence> byOffender = [];

    public int Count => byOffender.Count;

    /// <summary>All of it, in the order of the offenders' keys.</summary>
    public IReadOnlyList<Evidence> All => [.. byOffender.Values];

    /// <summary>Whether nothing is held against this validator yet.</summary>
    public bool Lacks(PublicKey offender) => !byOffender.ContainsKey(offender);

    /// <summary>Keeps evidence that has been checked; false when something is held against the offender already.</summary>
    public bool Add(Evidence evidence) => byOffender.TryAdd(evidence.First.Validator, evidence);

    /// <summary>A block is final: drops what it contains, what has expired, and what is against validators that are no more.</summary>
    public void OnTip(ChainTip tip, IReadOnlyList<Evidence> committed)
    {
        foreach (var evidence in committed) byOffender.Remove(evidence.First.Validator);
        foreach (var (offender, evidence) in byOffender.ToList())
        {
            var expired = evidence.First.Height + tip.System.Parameters.MaxEvidenceAge < tip.Height;
            if (expired || tip.NextValidators.IndexOf(offender) < 0) byOffender.Remove(offender);
        }
    }
}
