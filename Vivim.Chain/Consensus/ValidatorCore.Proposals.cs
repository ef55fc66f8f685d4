using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;

namespace Vivim.Chain.Consensus;

// Proposals and their blocks: a proposal goes into the core when its block is here and judged.
public sealed partial class ValidatorCore
{
    /// <summary>Blocks kept at a height, and proposals that wait for theirs.</summary>
    private const int MaxBlocks = 16;

    /// <summary>How far clocks may differ, in milliseconds (proposer-based timestamps).</summary>
    private const long Precision = 500;

    /// <summary>How long a proposal may travel, in milliseconds.</summary>
    private const long MessageDelay = 2_000;

    /// <summary>What the delay grows by with every round, so that a bound that is too tight slows the chain down but does not stop it.</summary>
    private const long MessageDelayPerRound = 500;

    private readonly Dictionary<Hash256, KnownBlock> blocks = [];
    private readonly Dictionary<(uint Round, Hash256 BlockId), WaitingProposal> waiting = [];
    private readonly Dictionary<(uint Round, Hash256 BlockId), Proposal> judgedProposals = [];

    /// <param name="Block">Null where it is invalid: only the verdict is kept.</param>
    /// <param name="IsValid">Null while it is being judged.</param>
    private sealed record KnownBlock(Block? Block, bool? IsValid);

    private sealed record WaitingProposal(Proposal Proposal, long ReceivedAt);

    private void Propose(ConsensusOutput.SendProposal send)
    {
        var block = BlockOf(send.Value)!;
        var proposal = signer.SignProposal(Height, send.Round, send.ValidRound, send.Value, core!.Standing);
        Say(new ConsensusMessage.Proposed(proposal, block));
        // Without the polka nobody could prevote an old value (L28).
        if (send.ValidRound >= 0) BroadcastVotes(core.Votes.For(VoteType.Prevote, (uint)send.ValidRound, send.Value));
        Await(proposal);
    }

    private void OnProposed(Proposal proposal, Block? block)
    {
        if (!TakesPart || proposal.Round > core!.Round + 1 || proposal.Round > ProposerRotation.MaxRound) return;
        if (!waiting.ContainsKey((proposal.Round, proposal.BlockId)))
        {
            if (proposal.Proposer != tip!.Proposers.Proposer(proposal.Round) || !MayWait(proposal) || !proposal.SignatureVerifies(chainId, scheme)) return;
            Await(proposal);
        }

        if (block is not null && block.Id == proposal.BlockId && block.Header.Height == Height && !blocks.ContainsKey(block.Id) && block.BodyProblem() is null)
        {
            MakeRoom();
            blocks[block.Id] = new KnownBlock(block, null);
            outputs.Add(new ValidatorOutput.Judge(block));
        }

        Drain();
    }

    /// <summary>One proposal of a round waits, and others only when the votes have settled on them; see <see cref="TendermintCore.Wants"/>.</summary>
    private bool MayWait(Proposal proposal) =>
        core!.Wants(proposal) && (core.HasQuorum(proposal.Round, proposal.BlockId) || !waiting.Keys.Any(key => key.Round == proposal.Round));

    private void Await(Proposal proposal)
    {
        // A proposer may keep its block to itself for ever.
        if (waiting.Count >= MaxBlocks) waiting.Remove(waiting.Keys.MinBy(key => key.Round));
        waiting[(proposal.Round, proposal.BlockId)] = new WaitingProposal(proposal, now);
        Release(proposal.Round, proposal.BlockId);
    }

    private void OnJudged(ValidatorInput.Judged judged)
    {
        if (!TakesPart || !blocks.TryGetValue(judged.BlockId, out var known) || known.IsValid is not null) return;
        blocks[judged.BlockId] = judged.Problem is null ? known with { IsValid = true } : new KnownBlock(null, false);
        foreach (var (round, blockId) in waiting.Keys.Where(key => key.BlockId == judged.BlockId).OrderBy(key => key.Round).ToList()) Release(round, blockId);
        Drain();
    }

    /// <summary>Hands a waiting proposal to the core if its block is judged.</summary>
    private void Release(uint round, Hash256 blockId)
    {
        if (!blocks.TryGetValue(blockId, out var known) || known.IsValid is not { } isValid) return;
        waiting.Remove((round, blockId), out var item);
        judgedProposals[(round, blockId)] = item!.Proposal;
        inputs.Enqueue(new ConsensusInput.ProposalReceived(item.Proposal, isValid, IsTimely(item, known.Block)));
    }

    /// <summary>
    /// Whether a new block fits its round: made in it, and at a time that was near ours when its proposal came. A block proposed again keeps its
    /// header, and neither is asked of it.
    /// </summary>
    private bool IsTimely(WaitingProposal item, Block? block)
    {
        if (item.Proposal.ValidRound >= 0 || block is null || item.Proposal.Proposer == signer.PublicKey) return true;
        var header = block.Header;
        var delay = MessageDelay + MessageDelayPerRound * header.Round;
        return header.Round == item.Proposal.Round && item.ReceivedAt >= header.Time - Precision && item.ReceivedAt <= header.Time + delay + Precision;
    }

    private Block? BlockOf(Hash256 blockId) => blocks.GetValueOrDefault(blockId) is { IsValid: true } known ? known.Block : null;

    /// <summary>Keeps a block of this validator's own store: it is there because it is valid.</summary>
    private void Keep(Block block)
    {
        if (!blocks.ContainsKey(block.Id)) MakeRoom();
        blocks[block.Id] = new KnownBlock(block, true);
    }

    /// <summary>Gives up a block that nothing waits for, that is neither locked nor valid, and not of the round under way.</summary>
    private void MakeRoom()
    {
        if (blocks.Count < MaxBlocks) return;
        foreach (var blockId in blocks.Keys)
        {
            var needed = blockId == core!.Locked.Value || blockId == core.Valid.Value || blockId == core.ProposalOf(core.Round)?.BlockId || waiting.Keys.Any(key => key.BlockId == blockId);
            if (needed) continue;
            blocks.Remove(blockId);
            foreach (var key in judgedProposals.Keys.Where(key => key.BlockId == blockId).ToList()) judgedProposals.Remove(key);
            return;
        }
    }

    private void ClearBlocks()
    {
        blocks.Clear();
        waiting.Clear();
        judgedProposals.Clear();
    }
}
