using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Genesis;

namespace Vivim.Faults.Judging;

/// <summary>What became of the promises.</summary>
/// <param name="Acknowledged">Transactions that a node had said are durable.</param>
/// <param name="Lost">Those of them that are not in the chain, and of which no node says why.</param>
/// <param name="Dropped">Those of them that are not in the chain because a pool has dropped them, as its node says.</param>
/// <param name="Duplicated">Transactions that are in the chain more than once.</param>
/// <param name="Conflicting">Heights with two different blocks, chains that do not verify, state roots that differ, and proofs of double votes.</param>
/// <param name="Findings">A sentence for each kind of thing found.</param>
internal sealed record Verdict(int Acknowledged, int Lost, int Dropped, int Duplicated, int Conflicting, IReadOnlyList<string> Findings)
{
    public bool IsClean => Lost == 0 && Duplicated == 0 && Conflicting == 0;
}

/// <summary>Compares what a client was promised with what the nodes say the chain is. Trusts the genesis alone: every chain is executed anew.</summary>
internal static class ChainJudge
{
    /// <param name="dropped">Acknowledged transactions that a node says its pool has dropped, with the reason.</param>
    /// <param name="chains">Of all nodes. They may differ in length; the longest is the chain.</param>
    public static Verdict Judge(GenesisFile genesis, IReadOnlyCollection<Hash256> acknowledged, IReadOnlyDictionary<Hash256, string> dropped, IReadOnlyList<NodeChain> chains)
    {
        var findings = new List<string>();
        var included = chains.MaxBy(chain => chain.Blocks.Count)?.Blocks.SelectMany(b => b.Block.Transactions).Select(t => t.IdOn(genesis.ChainId)).ToList() ?? [];
        var once = included.ToHashSet();
        var missing = acknowledged.Where(id => !once.Contains(id)).ToLookup(dropped.ContainsKey);
        var lost = missing[false].ToList();
        findings.AddRange(missing[true].GroupBy(id => dropped[id]).Select(group => $"{group.Count()} acknowledged transactions were dropped by a pool, which says {group.Key}, the first {group.First()}"));
        if (lost.Count > 0) findings.Add($"{lost.Count} acknowledged transactions are not in the chain, the first {lost[0]}");
        var duplicated = included.CountBy(id => id).Where(c => c.Value > 1).ToList();
        if (duplicated.Count > 0) findings.Add($"{duplicated.Count} transactions are in the chain more than once, the first {duplicated[0].Key}");
        var conflicting = Forks(chains, findings) + Unverified(genesis, chains, findings) + DoubleVotes(chains, findings);
        return new Verdict(acknowledged.Count, lost.Count, missing[true].Count(), duplicated.Count, conflicting, findings);
    }

    /// <summary>Heights at which nodes have different blocks, or show certificates for different ones.</summary>
    private static int Forks(IReadOnlyList<NodeChain> chains, List<string> findings)
    {
        var forks = (
            from chain in chains
            from certified in chain.Blocks
            from id in new[] { certified.Block.Id, certified.Certificate.BlockId }
            group id by certified.Block.Header.Height into at
            where at.Distinct().Skip(1).Any()
            orderby at.Key
            select at.Key).ToList();
        if (forks.Count > 0) findings.Add($"{forks.Count} heights have more than one block, the first {forks[0]}");
        return forks.Count;
    }

    /// <summary>Chains that break a rule, or end in another state than their node states.</summary>
    private static int Unverified(GenesisFile genesis, IReadOnlyList<NodeChain> chains, List<string> findings)
    {
        var problems = chains.Select(chain => Problem(genesis, chain)).OfType<string>().ToList();
        findings.AddRange(problems);
        return problems.Count;
    }

    private static string? Problem(GenesisFile genesis, NodeChain chain)
    {
        var verifier = new ChainVerifier(genesis);
        foreach (var (block, certificate) in chain.Blocks)
        {
            try
            {
                verifier.Add(block, certificate);
            }
            catch (InvalidBlockException e)
            {
                return $"{chain.Node} has a block at height {block.Header.Height} that does not hold: {e.Message}";
            }

            if (verifier.Height == chain.StatedHeight && verifier.StateRoot.ToString() != chain.StatedRoot) return $"{chain.Node} states another state root at height {chain.StatedHeight} than its blocks give";
        }

        return null;
    }

    /// <summary>A correct validator never signs twice, so that no honest run has evidence in a block.</summary>
    private static int DoubleVotes(IReadOnlyList<NodeChain> chains, List<string> findings)
    {
        var evidence = chains.MaxBy(chain => chain.Blocks.Count)?.Blocks.Sum(b => b.Block.Evidence.Count) ?? 0;
        if (evidence > 0) findings.Add($"{evidence} proofs of a validator that has signed twice are in the chain");
        return evidence;
    }
}
