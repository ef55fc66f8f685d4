using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>
/// Messages for the next height from validators that are ahead, kept until this node has committed the block in between: of each validator its
/// first proposal and a few votes, and the blocks of the first proposals.
/// </summary>
internal sealed class EarlyMessages
{
    private const int MaxVotes = 4;
    private const int MaxBlocks = 2;

    private readonly List<(PublicKey From, ConsensusMessage Message)> messages = [];
    private readonly Dictionary<PublicKey, int> votes = [];
    private readonly HashSet<PublicKey> proposers = [];
    private ulong height;

    /// <summary>Messages held.</summary>
    public int Count => messages.Count;

    public bool Wants(Proposal proposal) => proposal.Height > height || !proposers.Contains(proposal.Proposer);

    public bool Wants(Vote vote) => vote.Height > height || votes.GetValueOrDefault(vote.Validator) < MaxVotes;

    public void Add(PublicKey from, ConsensusMessage.Proposed proposed)
    {
        MoveTo(proposed.Proposal.Height);
        proposers.Add(proposed.Proposal.Proposer);
        messages.Add((from, proposers.Count <= MaxBlocks ? proposed : proposed with { Block = null }));
    }

    public void Add(PublicKey from, ConsensusMessage.Voted voted)
    {
        MoveTo(voted.Vote.Height);
        votes[voted.Vote.Validator] = votes.GetValueOrDefault(voted.Vote.Validator) + 1;
        messages.Add((from, voted));
    }

    /// <summary>Hands over the messages of a height and forgets all.</summary>
    public IReadOnlyList<(PublicKey From, ConsensusMessage Message)> Take(ulong wanted)
    {
        IReadOnlyList<(PublicKey, ConsensusMessage)> taken = height == wanted ? [.. messages] : [];
        Clear();
        return taken;
    }

    private void MoveTo(ulong next)
    {
        if (next <= height) return;
        Clear();
        height = next;
    }

    private void Clear()
    {
        messages.Clear();
        votes.Clear();
        proposers.Clear();
    }
}
