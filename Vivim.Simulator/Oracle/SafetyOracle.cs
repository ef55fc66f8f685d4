using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Simulator.Oracle;

/// <summary>
/// Judges a simulation from outside: it is told what leaves the nodes, what they have made durable and what clients hear, and derives
/// on its own what must be true. It runs none of the engine's code; only the encodings are shared.
/// </summary>
internal sealed class SafetyOracle(GenesisFacts genesis, ISignatureScheme scheme)
{
    private readonly ChainOfRecord chain = new(genesis, scheme);
    private readonly SignerPromise promise = new();
    private readonly Dictionary<ulong, VoteLog> logs = [];
    private readonly HashSet<Vote> votes = [];
    private readonly HashSet<Hash256> invalid = [];
    private readonly HashSet<PublicKey> liars = [];
    private readonly HashSet<int> lyingNodes = [];

    /// <summary>Two different final blocks, when it came to that.</summary>
    public Disagreement? Disagreement { get; private set; }

    public Acknowledgements Acknowledgements { get; } = new();

    /// <summary>The last height that any correct node has committed.</summary>
    public ulong Height => chain.Height;

    /// <summary>The most items that a correct validator has held.</summary>
    public int MostHeld { get; private set; }

    /// <summary>What a correct validator may hold at most; the engine's own limits add up to less.</summary>
    public int HoldLimit { get; init; } = int.MaxValue;

    /// <summary>A third or more of the power lies: two chains are no one's fault but theirs.</summary>
    public bool AllowsForks { get; set; }

    /// <summary>Nothing is promised for this node and its key.</summary>
    public void Distrust(int node, PublicKey key)
    {
        lyingNodes.Add(node);
        liars.Add(key);
    }

    /// <summary>Who votes at a height, as far as the final blocks tell.</summary>
    public IReadOnlyList<Member> MembersAt(ulong height) => chain.MembersAt(height);

    public bool IsLiar(PublicKey key) => liars.Contains(key);

    /// <summary>A liar has made a block that no correct validator may vote for.</summary>
    public void Forged(Hash256 block) => invalid.Add(block);

    /// <summary>A message leaves a node.</summary>
    public void Sent(int node, ConsensusMessage message)
    {
        switch (message)
        {
            case ConsensusMessage.Proposed { Proposal: var proposal } when !liars.Contains(proposal.Proposer) && !lyingNodes.Contains(node):
                promise.Check(proposal);
                break;
            case ConsensusMessage.Voted { Vote: var vote }:
                See(vote);
                break;
        }
    }

    /// <summary>A correct node has made a block final and durable.</summary>
    public void Committed(int node, ulong height, byte[] block, byte[] certificate, StateRoots roots)
    {
        var disagreement = chain.Commit($"n{node}", height, block, certificate, roots, this);
        if (disagreement is null) return;
        if (!AllowsForks) throw new ViolationException("agreement", $"n{node} holds {disagreement.Second.BlockId} at height {height}, others hold {disagreement.First.BlockId}");
        Disagreement ??= disagreement;
    }

    /// <summary>A correct validator holds this many messages, votes and blocks.</summary>
    public void Held(int node, int items)
    {
        MostHeld = Math.Max(MostHeld, items);
        // More than a third can take the others to any round, and to the votes of all rounds before it.
        if (items > HoldLimit && !AllowsForks) throw new ViolationException("memory", $"n{node} holds {items} items, at most {HoldLimit} are allowed");
    }

    /// <summary>A correct node accuses a validator.</summary>
    public void Accused(int node, Evidence evidence)
    {
        if (EvidenceProblem(evidence) is { } problem) throw new ViolationException("evidence", $"n{node} accuses {evidence.First.Validator}: {problem}");
    }

    /// <summary>A correct node has stopped asking a peer.</summary>
    public void Blamed(int node, int peer, string reason)
    {
        if (!lyingNodes.Contains(node) && !lyingNodes.Contains(peer)) throw new ViolationException("blame", $"n{node} blames n{peer}, which is correct: {reason}");
    }

    /// <summary>The culprits of the disagreement.</summary>
    public IReadOnlyList<PublicKey> Audit() => Disagreement is { } found ? Auditor.Blame(found, LogOf(found.Height)) : [];

    /// <summary>Null when two votes prove that a liar lied.</summary>
    internal string? EvidenceProblem(Evidence evidence)
    {
        var (first, second) = (evidence.First, evidence.Second);
        if (!liars.Contains(first.Validator)) return "it is correct";
        if ((first.Validator, first.Height, first.Round, first.Type) != (second.Validator, second.Height, second.Round, second.Type)) return "the votes are of different steps";
        if (first.BlockId == second.BlockId) return "the votes are equal";
        return first.SignatureVerifies(genesis.ChainId, scheme) && second.SignatureVerifies(genesis.ChainId, scheme) ? null : "a signature does not verify";
    }

    private void See(Vote vote)
    {
        // What is too early now may be sent again when its height has come.
        if (vote.Height > chain.Height + 2 || !votes.Add(vote) || !vote.SignatureVerifies(genesis.ChainId, scheme)) return;
        var log = LogOf(vote.Height);
        if (log.Members.All(member => member.Key != vote.Validator)) return;
        if (!liars.Contains(vote.Validator))
        {
            if (vote.BlockId is { } block && invalid.Contains(block)) throw new ViolationException("judgement", $"{vote.Validator} sent a {vote.Type} for the invalid block {block}");
            promise.Check(vote, log);
        }

        log.Add(vote);
    }

    private VoteLog LogOf(ulong height)
    {
        if (!logs.TryGetValue(height, out var log)) logs[height] = log = new VoteLog(chain.MembersAt(height));
        return log;
    }
}
