using Vivim.Ledger.Execution;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

// What others send, and what they are sent when they lack something: delivery is at most once (DESIGN §7).
public sealed partial class ValidatorCore
{
    /// <summary>Ticks from one gossip of evidence to the next.</summary>
    private const int EvidenceTicks = 8;

    /// <summary>How many validators answer one that lacks a block.</summary>
    private const int BlockSenders = 3;

    private readonly HashSet<PublicKey> answered = [];
    private int ticks;
    private int ticksAtHeight;

    /// <summary>The votes of the height before: a late one may still be evidence.</summary>
    private sealed record PastVotes(ulong Height, uint Round, ValidatorSet Validators, VoteKeeper Votes);

    private void OnReceived(PublicKey from, ConsensusMessage message)
    {
        if (tip is null) return;
        switch (message)
        {
            case ConsensusMessage.Proposed { Proposal: var proposal } proposed:
                if (proposal.Height == Height) OnProposed(proposal, proposed.Block);
                else if (proposal.Height == Height + 1 && IsByNextValidator(proposal.Proposer) && early.Wants(proposal) && proposal.SignatureVerifies(chainId, scheme)) early.Add(from, proposed);
                break;
            case ConsensusMessage.Voted { Vote: var vote } voted:
                if (vote.Round > ProposerRotation.MaxRound || vote.BlockId is { IsZero: true }) return;
                if (vote.Height == Height) OnVoted(vote);
                else if (vote.Height == past?.Height) OnLateVote(vote);
                else if (vote.Height == Height + 1 && IsByNextValidator(vote.Validator) && early.Wants(vote) && vote.SignatureVerifies(chainId, scheme)) early.Add(from, voted);
                break;
            case ConsensusMessage.Accused { Evidence: var accusation }:
                OnAccused(accusation);
                break;
            case ConsensusMessage.Status status:
                OnStatus(from, status);
                break;
        }
    }

    private bool IsByNextValidator(PublicKey key) => tip!.NextValidators.IndexOf(key) >= 0;

    private void OnVoted(Vote vote)
    {
        if (!TakesPart || tip!.Validators.IndexOf(vote.Validator) < 0 || core!.Votes.Has(vote) || !vote.SignatureVerifies(chainId, scheme)) return;
        Feed(new ConsensusInput.VoteReceived(vote));
    }

    private void OnLateVote(Vote vote)
    {
        if (past!.Validators.IndexOf(vote.Validator) < 0 || past.Votes.Has(vote) || !vote.SignatureVerifies(chainId, scheme)) return;
        if (past.Votes.Add(vote, past.Round) is { } found) Accuse(found);
    }

    /// <summary>A certificate may name a precommit that differs from the one its signer has sent here.</summary>
    private void AccuseByCertificate(ChainTip reached)
    {
        if (core is null || core.Height != reached.Height || reached.Certificate is not { } certificate) return;
        foreach (var (index, signature) in certificate.Signatures)
        {
            var key = tip!.Validators[index].Key;
            var vote = new Vote(VoteType.Precommit, certificate.Height, certificate.Round, certificate.BlockId, key, signature);
            if (core.Votes.Add(vote, core.Round) is { } found) Accuse(found);
        }
    }

    private void OnAccused(Evidence accusation)
    {
        if (!evidence.Lacks(accusation.First.Validator) || tip!.NextValidators.IndexOf(accusation.First.Validator) < 0) return;
        if (EvidenceRules.FormProblem(accusation, tip, scheme) is null) Accuse(accusation);
    }

    private void Accuse(Evidence found)
    {
        if (!evidence.Add(found)) return;
        outputs.Add(new ValidatorOutput.Accuse(found));
        outputs.Add(new ValidatorOutput.Broadcast(new ConsensusMessage.Accused(found)));
    }

    private void OnTick()
    {
        ticks++;
        answered.Clear();
        if (core is null) return;
        ticksAtHeight++;
        if (ticks % EvidenceTicks == 0)
        {
            foreach (var found in evidence.All) outputs.Add(new ValidatorOutput.Broadcast(new ConsensusMessage.Accused(found)));
        }

        if (tip!.Validators.Count == 1 || isRecovering) return;
        outputs.Add(new ValidatorOutput.Broadcast(StatusNow()));
        var row = signer.Row;
        if (row.Height != Height || ticksAtHeight < 2) return;
        foreach (var proposal in row.Proposals) outputs.Add(new ValidatorOutput.Broadcast(new ConsensusMessage.Proposed(proposal, null)));
        BroadcastVotes(row.Votes);
    }

    private ConsensusMessage.Status StatusNow() => core!.HasStarted
        ? new(Height, Round, (byte)Step, core.ProposalOf(Round)?.BlockId, core.Votes.Bits(VoteType.Prevote, Round), core.Votes.Bits(VoteType.Precommit, Round), hasWork)
        : new(Height, 0, 0, null, default, default, hasWork);

    /// <summary>Sends a validator what it lacks to come as far as this one, once a tick.</summary>
    private void OnStatus(PublicKey from, ConsensusMessage.Status status)
    {
        if (!TakesPart || status.Height != Height || tip!.Validators.IndexOf(from) < 0) return;
        if (status.HasWork) OnWork();
        if (!core!.HasStarted || status.Round > Round || !answered.Add(from)) return;
        SendMissing(from, status.Round, status.Prevotes, status.Precommits);
        // L55: the votes of more than a third of the power take it to this round.
        if (status.Round < Round) SendMissing(from, Round, default, default);
        if (status.Round + 1 < Round) SendMissing(from, Round - 1, default, default);
        SendProposal(from, status);
    }

    private void SendMissing(PublicKey to, uint round, VoteBits prevotes, VoteBits precommits)
    {
        SendVotes(to, core!.Votes.Missing(VoteType.Prevote, round, prevotes));
        SendVotes(to, core.Votes.Missing(VoteType.Precommit, round, precommits));
    }

    private void SendVotes(PublicKey to, IEnumerable<Vote> votes) => outputs.AddRange(votes.Select(vote => new ValidatorOutput.Send(to, new ConsensusMessage.Voted(vote))));

    private void BroadcastVotes(IEnumerable<Vote> votes) => outputs.AddRange(votes.Select(vote => new ValidatorOutput.Broadcast(new ConsensusMessage.Voted(vote))));

    /// <summary>The proposal of the round that a validator is in, with its block, and the polka that an old value needs (L28).</summary>
    private void SendProposal(PublicKey to, ConsensusMessage.Status status)
    {
        var round = status.Round;
        var settled = core!.Votes.BlockWithQuorum(VoteType.Prevote, round) ?? core.Votes.BlockWithQuorum(VoteType.Precommit, round);
        if ((settled ?? core.ProposalOf(round)?.BlockId) is not { } blockId || !judgedProposals.TryGetValue((round, blockId), out var proposal)) return;
        if (status.Proposal != blockId && (status.Proposal is null || settled is not null) && BlockOf(blockId) is { } block && SendsBlocksTo(to, proposal))
            outputs.Add(new ValidatorOutput.Send(to, new ConsensusMessage.Proposed(proposal, block)));
        if (status.Step == (byte)Step.Propose && proposal.ValidRound >= 0) SendVotes(to, core.Votes.For(VoteType.Prevote, (uint)proposal.ValidRound, blockId));
    }

    /// <summary>A block is large, so the proposer and a few others send it, others at every tick.</summary>
    private bool SendsBlocksTo(PublicKey to, Proposal proposal)
    {
        var validators = tip!.Validators;
        var distance = (validators.IndexOf(signer.PublicKey) - validators.IndexOf(to) + validators.Count + ticks) % validators.Count;
        return proposal.Proposer == signer.PublicKey || distance < BlockSenders;
    }
}
