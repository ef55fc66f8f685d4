using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>The step of a round (arXiv 1807.04938, Algorithm 1).</summary>
public enum Step : byte
{
    Propose = 1,
    Prevote = 2,
    Precommit = 3,
}

/// <summary>A block id and the round it was locked or valid in.</summary>
public readonly record struct RoundValue(int Round, Hash256? Value)
{
    /// <summary>The paper's -1 and nil.</summary>
    public static readonly RoundValue None = new(-1, null);
}

/// <summary>
/// Tendermint for one height: Algorithm 1 of arXiv 1807.04938, each rule named by its lines. A deterministic core: inputs in, outputs out;
/// no clock, network, disk or randomness. Whoever feeds it has checked signatures, and says of each proposal whether its block is valid.
///
/// </summary>
public sealed class TendermintCore
{
    private readonly ValidatorSet validators;
    private readonly PublicKey self;
    private readonly Func<uint, PublicKey> proposerOf;
    private readonly VoteKeeper votes;
    private readonly Dictionary<uint, (Proposal Proposal, bool IsValid)> proposals = [];
    private readonly HashSet<uint> prevoteTimeouts = [];
    private readonly HashSet<uint> precommitTimeouts = [];
    private readonly HashSet<uint> locksSeen = [];
    private List<ConsensusOutput> outputs = [];
    private bool started;
    private bool decided;

    /// <param name="proposerOf">The proposer of each round of this height.</param>
    public TendermintCore(ulong height, ValidatorSet validators, PublicKey self, Func<uint, PublicKey> proposerOf)
    {
        Height = height;
        this.validators = validators;
        this.self = self;
        this.proposerOf = proposerOf;
        votes = new VoteKeeper(validators);
    }

    public ulong Height { get; }

    public uint Round { get; private set; }

    public Step Step { get; private set; } = Step.Propose;

    public RoundValue Locked { get; private set; } = RoundValue.None;

    public RoundValue Valid { get; private set; } = RoundValue.None;

    /// <summary>Continues where the signer's row says that this validator was; its own messages are then fed in again.</summary>
    public void Restore(uint round, Step step, RoundValue locked, RoundValue valid)
    {
        started = true;
        Round = round;
        Step = step;
        Locked = locked;
        Valid = valid;
    }

    /// <summary>Takes one input and tells what must be done, in order.</summary>
    public IReadOnlyList<ConsensusOutput> Apply(ConsensusInput input)
    {
        outputs = [];
        if (decided) return outputs;
        switch (input)
        {
            case ConsensusInput.Start when !started:
                started = true;
                StartRound(0);
                break;
            case ConsensusInput.ValueBuilt built when built.Round == Round && Step == Step.Propose:
                outputs.Add(new ConsensusOutput.SendProposal(Round, built.Value, -1));
                break;
            case ConsensusInput.ProposalReceived received:
                OnProposal(received.Proposal, received.IsValid);
                break;
            case ConsensusInput.VoteReceived received:
                OnVote(received.Vote);
                break;
            case ConsensusInput.TimeoutElapsed timeout:
                OnTimeout(timeout.Round, timeout.Step);
                break;
        }

        return outputs;
    }

    // L11-21
    private void StartRound(uint round)
    {
        Round = round;
        Step = Step.Propose;
        outputs.Add(new ConsensusOutput.ScheduleTimeout(round, Step.Propose)); // L21; the proposer too, as getValue is asynchronous
        if (proposerOf(round) == self)
        {
            if (Valid.Value is { } value) outputs.Add(new ConsensusOutput.SendProposal(round, value, Valid.Round)); // L16
            else outputs.Add(new ConsensusOutput.GetValue(round)); // L18
        }

        Evaluate(round);
    }

    private void OnProposal(Proposal proposal, bool isValid)
    {
        if (proposal.Height != Height || proposal.Proposer != proposerOf(proposal.Round) || !proposals.TryAdd(proposal.Round, (proposal, isValid))) return;
        Evaluate(proposal.Round);
    }

    private void OnVote(Vote vote)
    {
        if (vote.Height != Height) return;
        if (votes.Add(vote) is { } evidence) outputs.Add(new ConsensusOutput.Misbehaviour(evidence));
        // L55-56
        if (vote.Round > Round && validators.IsOneCorrect(votes.PowerSeen(vote.Round))) StartRound(vote.Round);
        else Evaluate(vote.Round);
    }

    private void OnTimeout(uint round, Step step)
    {
        if (round != Round) return;
        switch (step)
        {
            case Step.Propose when Step == Step.Propose: // L57-60
                Prevote(null);
                break;
            case Step.Prevote when Step == Step.Prevote: // L61-64
                Precommit(null);
                break;
            case Step.Precommit: // L65-67
                StartRound(round + 1);
                break;
        }
    }

    /// <summary>Re-evaluates every rule that news of <paramref name="round"/> can make true, in this fixed order, so that a replay gives the same outputs.</summary>
    private void Evaluate(uint round)
    {
        if (TryDecide(round)) return;
        // A late prevote or proposal of an earlier round can complete L28 for the current one.
        PrevoteOnProposal();
        LockOnPolka();
        StartVoteTimeouts();
        if (Step == Step.Prevote && votes.HasQuorum(VoteType.Prevote, Round, null)) Precommit(null); // L44-46
    }

    // L22-33
    private void PrevoteOnProposal()
    {
        if (Step != Step.Propose || !proposals.TryGetValue(Round, out var current)) return;
        var (proposal, isValid) = current;
        if (proposal.ValidRound == -1) // L22
        {
            Prevote(isValid && (Locked.Round == -1 || Locked.Value == proposal.BlockId) ? proposal.BlockId : null);
        }
        else if (votes.HasQuorum(VoteType.Prevote, (uint)proposal.ValidRound, proposal.BlockId)) // L28
        {
            Prevote(isValid && (Locked.Round <= proposal.ValidRound || Locked.Value == proposal.BlockId) ? proposal.BlockId : null);
        }
    }

    // L36-43
    private void LockOnPolka()
    {
        if (Step < Step.Prevote || locksSeen.Contains(Round) || !proposals.TryGetValue(Round, out var current) || !current.IsValid) return;
        var value = current.Proposal.BlockId;
        if (!votes.HasQuorum(VoteType.Prevote, Round, value)) return;
        locksSeen.Add(Round);
        Valid = new RoundValue((int)Round, value); // L42-43
        if (Step != Step.Prevote) return;
        Locked = new RoundValue((int)Round, value); // L38-39
        Precommit(value); // L40-41
    }

    // L34-35, L47-48
    private void StartVoteTimeouts()
    {
        if (Step == Step.Prevote && votes.HasQuorumOfAny(VoteType.Prevote, Round) && prevoteTimeouts.Add(Round))
            outputs.Add(new ConsensusOutput.ScheduleTimeout(Round, Step.Prevote));
        if (votes.HasQuorumOfAny(VoteType.Precommit, Round) && precommitTimeouts.Add(Round))
            outputs.Add(new ConsensusOutput.ScheduleTimeout(Round, Step.Precommit));
    }

    // L49-54, for any round, past ones too
    private bool TryDecide(uint round)
    {
        if (!proposals.TryGetValue(round, out var current) || !current.IsValid || !votes.HasQuorum(VoteType.Precommit, round, current.Proposal.BlockId)) return false;
        decided = true;
        outputs.Add(new ConsensusOutput.Decided(votes.Certificate(Height, round, current.Proposal.BlockId)));
        return true;
    }

    private void Prevote(Hash256? value)
    {
        Step = Step.Prevote;
        outputs.Add(new ConsensusOutput.SendVote(VoteType.Prevote, Round, value));
    }

    private void Precommit(Hash256? value)
    {
        Step = Step.Precommit;
        outputs.Add(new ConsensusOutput.SendVote(VoteType.Precommit, Round, value));
    }
}
