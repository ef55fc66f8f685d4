using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Simulator.Faults;
using Vivim.Simulator.Nodes;

namespace Vivim.Simulator.Byzantine;

/// <summary>
/// A node that lies. It runs the same cores as others, so that it knows what is going on, but says something else, and what it says is bound by
/// nothing but its key. What it does is a list of <see cref="Fault"/>s, all at once.
/// </summary>
internal sealed class Traitor
{
    private const int TickInterval = 300;

    private readonly World world;
    private readonly Node node;
    private readonly IReadOnlyList<Fault> lies;
    private readonly SeededRandom random;
    private readonly Forger forger;
    private readonly Dictionary<(ulong Height, uint Round), (Proposal Proposal, Block? Block)> proposals = [];
    private readonly List<Vote> heard = [];

    private Traitor(World world, Node node, IReadOnlyList<Fault> lies)
    {
        this.world = world;
        this.node = node;
        this.lies = lies;
        random = world.Stream(200 + (ulong)node.Index);
        forger = new Forger(world, node, random);
    }

    /// <summary>Whom this one is in league with, when it is.</summary>
    public Conspiracy? Conspiracy { get; private set; }

    /// <summary>Makes liars of those whom the plan calls so.</summary>
    public static void Assign(World world, FaultPlan plan)
    {
        foreach (var liar in plan.Liars)
        {
            var lying = world.Nodes[liar];
            var traitor = new Traitor(world, lying, [.. plan.Faults.Where(fault => fault.IsByzantine && fault.Node == liar)]);
            lying.Traitor = traitor;
            world.Oracle.Distrust(liar, lying.Key.PublicKey);
            world.Agenda.After(traitor.random.Between(0, TickInterval), traitor.Tick);
        }

        if (plan.Faults.FirstOrDefault(fault => fault.Kind == FaultKind.Fork) is not { } fork) return;
        var conspiracy = new Conspiracy(world, fork);
        foreach (var fault in plan.Faults.Where(fault => fault.Kind == FaultKind.Fork)) world.Nodes[fault.Node].Traitor!.Conspiracy = conspiracy;
    }

    /// <summary>What the node's own cores want said.</summary>
    public void OnOwn(int? to, object message)
    {
        if (Conspiracy is { IsActive: true } conspiracy)
        {
            // Requests alone go out: what the one group decides must not reach the other.
            if (message is SyncMessage.GetBlocks) node.Emit(to, message);
            if (message is ConsensusMessage consensus) conspiracy.OnHeard(null, consensus);
            return;
        }

        if (Does(FaultKind.Silent)) return;
        switch (message)
        {
            case ConsensusMessage.Voted { Vote: var vote } when vote.Validator == node.Key.PublicKey:
                Vote(to, vote);
                break;
            case ConsensusMessage.Proposed { Proposal: var proposal } proposed when proposal.Proposer == node.Key.PublicKey:
                Propose(to, proposed);
                break;
            case SyncMessage sync when Does(FaultKind.FalseSync):
                node.Emit(to, forger.Falsify(sync));
                break;
            default:
                node.Emit(to, message);
                break;
        }
    }

    /// <summary>What others say.</summary>
    public void OnHeard(int from, object message)
    {
        switch (message)
        {
            case ConsensusMessage.Proposed { Proposal: var proposal } proposed:
                Remember(proposal, proposed.Block);
                if (Does(FaultKind.Amnesia) && Conspiracy is null) VoteFor(proposal);
                break;
            case ConsensusMessage.Voted { Vote: var vote }:
                if (heard.Count < 400) heard.Add(vote);
                else heard[random.Below(heard.Count)] = vote;
                break;
        }

        if (message is ConsensusMessage consensus) Conspiracy?.OnHeard(from, consensus);
    }

    private bool Does(FaultKind kind)
    {
        foreach (var lie in lies)
        {
            if (lie.Kind == kind && lie.Start <= world.Agenda.Now) return true;
        }

        return false;
    }

    private void Remember(Proposal proposal, Block? block)
    {
        var key = (proposal.Height, proposal.Round);
        if (!proposals.TryGetValue(key, out var known) || (known.Block is null && block is not null)) proposals[key] = (proposal, block);
    }

    private void VoteFor(Proposal proposal)
    {
        node.Emit(null, new ConsensusMessage.Voted(forger.Vote(VoteType.Prevote, proposal.Height, proposal.Round, proposal.BlockId)));
        node.Emit(null, new ConsensusMessage.Voted(forger.Vote(VoteType.Precommit, proposal.Height, proposal.Round, proposal.BlockId)));
    }

    private void Vote(int? to, Vote vote)
    {
        if (Does(FaultKind.Amnesia) && proposals.ContainsKey((vote.Height, vote.Round))) return;
        // A vote that nobody hears now completes a polka later, when the others are locked on something else.
        if (Does(FaultKind.StaleProposal) && random.Chance(600)) return;
        foreach (var receiver in Receivers(to))
        {
            if (Does(FaultKind.Withhold) && random.Chance(500)) continue;
            var isTwisted = Does(FaultKind.Equivocate) && random.Chance(500);
            if (!isTwisted || random.Chance(200)) node.Emit(receiver, new ConsensusMessage.Voted(vote));
            if (isTwisted) node.Emit(receiver, new ConsensusMessage.Voted(forger.Vote(vote.Type, vote.Height, vote.Round, OtherThan(vote))));
        }
    }

    /// <summary>Nil instead of a block, a block instead of nil, or a block that nobody has seen.</summary>
    private Hash256? OtherThan(Vote vote)
    {
        if (proposals.TryGetValue((vote.Height, vote.Round), out var known) && vote.BlockId != known.Proposal.BlockId) return known.Proposal.BlockId;
        return vote.BlockId is null || random.Chance(300) ? forger.RandomHash() : null;
    }

    private void Propose(int? to, ConsensusMessage.Proposed proposed)
    {
        var (proposal, block) = (proposed.Proposal, proposed.Block);
        Remember(proposal, block);
        ConsensusMessage other = proposed;
        if (Does(FaultKind.StaleProposal) && Older(proposal) is { } older) other = older;
        else if (block is not null && Does(FaultKind.InvalidBlock)) other = forger.Invalid(proposal, block);
        else if (block is not null && Does(FaultKind.EquivocateProposal)) other = forger.Sibling(proposal, block);
        var tellsAll = !Does(FaultKind.EquivocateProposal) || random.Chance(200);
        foreach (var receiver in Receivers(to))
        {
            if (Does(FaultKind.Withhold) && random.Chance(500)) continue;
            node.Emit(receiver, tellsAll || random.Chance(500) ? other : proposed);
        }
    }

    /// <summary>A block of an earlier round of this height, or of any height, proposed again with a valid round that may be invented.</summary>
    private ConsensusMessage.Proposed? Older(Proposal proposal)
    {
        var known = proposals.Where(entry => entry.Key.Height <= proposal.Height && entry.Key != (proposal.Height, proposal.Round) && entry.Value.Block is not null).ToList();
        if (known.Count == 0 || proposal.Round == 0) return null;
        var sameHeight = known.Where(entry => entry.Key.Height == proposal.Height).ToList();
        var (key, picked) = random.Pick(sameHeight.Count > 0 && random.Chance(900) ? sameHeight : known);
        var validRound = random.Chance(700) && key.Round < proposal.Round ? (int)key.Round : random.Between(-1, (int)proposal.Round - 1);
        if (validRound >= 0) node.Emit(null, new ConsensusMessage.Voted(forger.Vote(VoteType.Prevote, proposal.Height, (uint)validRound, picked.Proposal.BlockId)));
        return forger.Proposed(proposal.Height, proposal.Round, validRound, picked.Block!);
    }

    private IEnumerable<int> Receivers(int? to) => to is { } one ? [one] : Enumerable.Range(0, world.Nodes.Count).Where(other => other != node.Index);

    private void Tick()
    {
        world.Agenda.After(TickInterval, Tick);
        if (!node.IsUp || Does(FaultKind.Silent)) return;
        if (Does(FaultKind.Flood)) forger.Flood();
        if (Does(FaultKind.ForgedEvidence)) forger.Accuse(heard);
    }
}
