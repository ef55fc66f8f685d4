using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Simulator.Faults;
using Vivim.Simulator.Nodes;

namespace Vivim.Simulator.Byzantine;

/// <summary>
/// Liars with more than a third of the power, who cut the correct ones into two groups and help each group to decide on its own. In one variant they sign
/// twice in a step; in the other never, but forget in a later round what they are locked on.
/// </summary>
internal sealed class Conspiracy
{
    private const int TickInterval = 40;

    /// <summary>How long a group may wait for a proposal before the liars take it to the next round.</summary>
    private const int Patience = 1_100;

    private readonly World world;
    private readonly bool neverSignsTwice;
    private readonly Node[] liars;
    private readonly Group[] groups;
    private readonly Dictionary<(int Liar, ulong Height, uint Round, VoteType Type), Hash256?> signed = [];

    public Conspiracy(World world, Fault fork)
    {
        this.world = world;
        neverSignsTwice = fork.Argument % 2 == 1;
        liars = [.. world.Nodes.Where(node => node.Traitor is not null)];
        var correct = world.Stream(300).Shuffled(world.Nodes.Where(node => node.Traitor is null));
        groups = [new Group(0, [.. correct.Take((correct.Length + 1) / 2)]), new Group(1, [.. correct.Skip((correct.Length + 1) / 2)])];
        world.Agenda.At(fork.Start, Begin);
    }

    /// <summary>The plot has begun.</summary>
    public bool IsActive { get; private set; }

    private sealed class Group(int number, Node[] members)
    {
        public int Number => number;

        public Node[] Members => members;

        public (ulong Height, uint Round) Position { get; set; }

        /// <summary>When it came to its round.</summary>
        public long Since { get; set; }

        public Dictionary<(ulong Height, uint Round), Hash256> Proposals { get; } = [];

        public HashSet<(ulong Height, uint Round)> Made { get; } = [];
    }

    /// <summary>A correct node, or a liar's own core, says something.</summary>
    public void OnHeard(int? from, ConsensusMessage message)
    {
        if (!IsActive || from is not { } sender || groups.FirstOrDefault(g => g.Members.Any(member => member.Index == sender)) is not { } group) return;
        switch (message)
        {
            case ConsensusMessage.Status status:
                Move(group, (status.Height, status.Round));
                break;
            case ConsensusMessage.Voted { Vote: var vote } when vote.Validator == world.Keys[sender].PublicKey:
                Move(group, (vote.Height, vote.Round));
                break;
            case ConsensusMessage.Proposed { Proposal: var proposal } when proposal.Proposer == world.Keys[sender].PublicKey:
                Move(group, (proposal.Height, proposal.Round));
                group.Proposals.TryAdd((proposal.Height, proposal.Round), proposal.BlockId);
                Support(group);
                break;
        }
    }

    private void Begin()
    {
        IsActive = true;
        Part();
        Tick();
    }

    /// <summary>The groups hear nothing of each other, whatever else heals.</summary>
    private void Part()
    {
        foreach (var one in groups[0].Members)
        {
            foreach (var other in groups[1].Members)
            {
                world.Network.Cut(one.Index, other.Index);
                world.Network.Cut(other.Index, one.Index);
            }
        }
    }

    private void Tick()
    {
        if (world.Oracle.Disagreement is not null) return;
        world.Agenda.After(TickInterval, Tick);
        Part();
        foreach (var group in groups)
        {
            Propose(group);
            Support(group);
            if (!group.Proposals.ContainsKey(group.Position) && world.Agenda.Now - group.Since > Patience) Push(group);
        }
    }

    private void Move(Group group, (ulong Height, uint Round) to)
    {
        if (to.CompareTo(group.Position) <= 0) return;
        group.Position = to;
        group.Since = world.Agenda.Now;
    }

    /// <summary>In a liar's turn each group gets a block of its own.</summary>
    private void Propose(Group group)
    {
        var (height, round) = group.Position;
        foreach (var liar in liars.Where(liar => liar.IsUp && liar.Ledger.Tip.Height + 1 == height && liar.Ledger.Tip.Proposers.Proposer(round) == liar.Key.PublicKey))
        {
            if (!group.Made.Add(group.Position)) return;
            var block = liar.Ledger.Assemble(round, world.Time + group.Number, []);
            group.Proposals[group.Position] = block.Id;
            Tell(liar, group, new ConsensusMessage.Proposed(Proposal.Sign(height, round, -1, block.Id, world.Genesis.ChainId, liar.Key), block));
        }
    }

    private void Support(Group group)
    {
        if (!group.Proposals.TryGetValue(group.Position, out var block)) return;
        var (height, round) = group.Position;
        foreach (var liar in liars)
        {
            Vote(liar, group, VoteType.Prevote, height, round, block);
            Vote(liar, group, VoteType.Precommit, height, round, block);
        }

        // Who may not sign again in this round takes the group to the next one.
        if (neverSignsTwice && liars.Any(liar => signed.GetValueOrDefault((liar.Index, height, round, VoteType.Precommit)) != block)) Push(group);
    }

    /// <summary>With the liars' votes, whatever they are for, a group's timeouts take it to the next round.</summary>
    private void Push(Group group)
    {
        var (height, round) = group.Position;
        foreach (var liar in liars)
        {
            foreach (var type in (VoteType[])[VoteType.Prevote, VoteType.Precommit])
                Vote(liar, group, type, height, round, neverSignsTwice ? signed.GetValueOrDefault((liar.Index, height, round, type)) : null);
        }
    }

    private void Vote(Node liar, Group group, VoteType type, ulong height, uint round, Hash256? block)
    {
        var key = (liar.Index, height, round, type);
        if (neverSignsTwice && signed.TryGetValue(key, out var before) && before != block) return;
        signed[key] = block;
        Tell(liar, group, new ConsensusMessage.Voted(Protocol.Consensus.Vote.Sign(type, height, round, block, world.Genesis.ChainId, liar.Key)));
    }

    private static void Tell(Node liar, Group group, ConsensusMessage message)
    {
        foreach (var member in group.Members) liar.Emit(member.Index, message);
    }
}
