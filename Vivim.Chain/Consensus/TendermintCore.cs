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

/// <summary>What a validator is locked on, what it holds valid, and the votes on whose ground it stands: the polka of the valid value, and what opened its round.</summary>
public sealed record Standing(RoundValue Locked, RoundValue Valid, IReadOnlyList<Vote> Grounds)
{
    /// <summary>At the beginning of a height.</summary>
    public static readonly Standing Initial = new(RoundValue.None, RoundValue.None, []);
}

/// <summary>
/// Tendermint for one height: Algorithm 1 of arXiv 1807.04938, each rule named by its lines. A deterministic core: inputs in, outputs out;
/// no clock, network, disk or randomness. Whoever feeds it has checked signatures, and says of each proposal whether its block is
/// valid. docs/spec/consensus.md has the table of which input re-evaluates which rule.
/// </summary>
public sealed class TendermintCore
{
    private readonly ValidatorSet validators;
    private readonly PublicKey self;
    private readonly Func<uint, PublicKey> proposerOf;
    private readonly VoteKeeper votes;
    private readonly Dictionary<uint, Proposal> proposals = [];
    private readonly Dictionary<(uint Round, Hash256 Value), bool> validity = [];
    private readonly HashSet<uint> untimely = [];
    private readonly HashSet<uint> prevoteTimeouts = [];
    private readonly HashSet<uint> precommitTimeouts = [];
    private readonly HashSet<uint> locksSeen = [];
    private List<ConsensusOutput> outputs = [];
    private uint? valueAskedFor;

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

    /// <summary>What a message that is signed now is to be recorded with.</summary>
    public Standing Standing => new(Locked, Valid, [.. Polka().Union(Opening())]);

    /// <summary>Whether the height has begun here.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Whether the height is decided; then nothing more happens.</summary>
    public bool HasDecided { get; private set; }

    /// <summary>Votes and proposals held.</summary>
    public int HeldItems => votes.Count + validity.Count;

    internal VoteKeeper Votes => votes;

    /// <summary>Takes one input and tells what must be done, in order.</summary>
    public IReadOnlyList<ConsensusOutput> Apply(ConsensusInput input)
    {
        outputs = [];
        if (HasDecided || !IsOfThisHeight(input)) return outputs;
        if (HasStarted) Handle(input);
        else Begin(input);
        return outputs;
    }

    /// <summary>The proposal of a round that is prevoted, or null.</summary>
    public Proposal? ProposalOf(uint round) => proposals.GetValueOrDefault(round);

    /// <summary>
    /// Whether a proposal would count. A round's first one is the one that is prevoted. Another one counts only when the votes have settled on
    /// its block: a proposer who tells each of us something else can neither hide from us what the others decide, nor fill the memory.
    /// </summary>
    public bool Wants(Proposal proposal) =>
        !validity.ContainsKey((proposal.Round, proposal.BlockId))
        && (!proposals.ContainsKey(proposal.Round) || HasQuorum(proposal.Round, proposal.BlockId));

    private IEnumerable<Vote> Polka() => Valid.Value is { } value ? votes.For(VoteType.Prevote, (uint)Valid.Round, value) : [];

    /// <summary>What took this validator to its round: the precommits of the round before (L65), or votes of this one (L55).</summary>
    private IEnumerable<Vote> Opening()
    {
        if (Round == 0) return [];
        var before = votes.Missing(VoteType.Precommit, Round - 1, default);
        if (votes.HasQuorumOfAny(VoteType.Precommit, Round - 1)) return before;
        return before.Concat(votes.Missing(VoteType.Prevote, Round, default)).Concat(votes.Missing(VoteType.Precommit, Round, default));
    }

    private bool IsOfThisHeight(ConsensusInput input) => input switch
    {
        ConsensusInput.ProposalReceived { Proposal: var proposal } => proposal.Height == Height && proposal.Proposer == proposerOf(proposal.Round),
        ConsensusInput.VoteReceived { Vote: var vote } => vote.Height == Height,
        _ => true,
    };

    /// <summary>The height begins when its time has come, or when others show that it has: by a proposal, or by votes of more than a third.</summary>
    private void Begin(ConsensusInput input)
    {
        switch (input)
        {
            case ConsensusInput.Start:
                HasStarted = true;
                StartRound(0);
                break;
            case ConsensusInput.Resume resume:
                HasStarted = true;
                Continue(resume);
                break;
            case ConsensusInput.ProposalReceived:
                HasStarted = true;
                StartRound(0);
                Handle(input);
                break;
            case ConsensusInput.VoteReceived { Vote: var vote }:
                Count(vote);
                if (!validators.IsOneCorrect(votes.PowerSeen(vote.Round))) break;
                HasStarted = true;
                StartRound(vote.Round);
                break;
        }
    }

    private void Continue(ConsensusInput.Resume resume)
    {
        (Round, Step, Locked, Valid) = (resume.Round, resume.Step, resume.Locked, resume.Valid);
        // L21: the polka that a re-proposed value needs (L28) may never come again.
        if (Step == Step.Propose) outputs.Add(new ConsensusOutput.ScheduleTimeout(Round, Step.Propose));
    }

    private void Handle(ConsensusInput input)
    {
        switch (input)
        {
            case ConsensusInput.ValueBuilt built when built.Round == valueAskedFor && built.Round == Round && Step == Step.Propose:
                valueAskedFor = null;
                outputs.Add(new ConsensusOutput.SendProposal(Round, built.Value, -1)); // L19
                break;
            case ConsensusInput.ProposalReceived received:
                OnProposal(received);
                break;
            case ConsensusInput.VoteReceived received:
                OnVote(received.Vote);
                break;
            case ConsensusInput.TimeoutElapsed timeout:
                OnTimeout(timeout.Round, timeout.Step);
                break;
        }
    }

    // L11-21
    private void StartRound(uint round)
    {
        Round = round;
        Step = Step.Propose;
        outputs.Add(new ConsensusOutput.ScheduleTimeout(round, Step.Propose)); // L21; the proposer too, as getValue is asynchronous
        if (proposerOf(round) == self)
        {
            if (Valid.Value is { } value)
            {
                outputs.Add(new ConsensusOutput.SendProposal(round, value, Valid.Round)); // L16
            }
            else
            {
                valueAskedFor = round;
                outputs.Add(new ConsensusOutput.GetValue(round)); // L18
            }
        }

        Evaluate(round);
    }

    private void OnProposal(ConsensusInput.ProposalReceived received)
    {
        var proposal = received.Proposal;
        if (!Wants(proposal)) return;
        validity.Add((proposal.Round, proposal.BlockId), received.IsValid);
        if (proposals.TryAdd(proposal.Round, proposal) && !received.IsTimely) untimely.Add(proposal.Round);
        Evaluate(proposal.Round);
    }

    private void OnVote(Vote vote)
    {
        Count(vote);
        // L55-56
        if (vote.Round > Round && validators.IsOneCorrect(votes.PowerSeen(vote.Round))) StartRound(vote.Round);
        else Evaluate(vote.Round);
    }

    private void Count(Vote vote)
    {
        if (votes.Add(vote, Round) is { } evidence) outputs.Add(new ConsensusOutput.Misbehaviour(evidence));
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
        if (Step != Step.Propose || !proposals.TryGetValue(Round, out var proposal)) return;
        var (validRound, value) = (proposal.ValidRound, proposal.BlockId);
        var isNew = validRound == -1; // L22; a new value must be timely too, one that had a polka was (DESIGN §5)
        var wasValid = validRound >= 0 && validRound < Round && votes.HasQuorum(VoteType.Prevote, (uint)validRound, value); // L28
        if (!isNew && !wasValid) return;
        // L23 and L29: a lock binds, unless a polka that is not older than it says otherwise.
        var isFree = Locked.Round == -1 || Locked.Value == value || (wasValid && Locked.Round <= validRound);
        Prevote(IsValid(Round, value) && isFree && !(isNew && untimely.Contains(Round)) ? value : null);
    }

    // L36-43
    private void LockOnPolka()
    {
        if (Step < Step.Prevote || locksSeen.Contains(Round) || votes.BlockWithQuorum(VoteType.Prevote, Round) is not { } value || !IsValid(Round, value)) return;
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
        if (votes.BlockWithQuorum(VoteType.Precommit, round) is not { } value || !IsValid(round, value)) return false;
        HasDecided = true;
        outputs.Add(new ConsensusOutput.Decided(votes.Certificate(Height, round, value)));
        return true;
    }

    internal bool HasQuorum(uint round, Hash256 value) => votes.HasQuorum(VoteType.Prevote, round, value) || votes.HasQuorum(VoteType.Precommit, round, value);

    /// <summary>Proposed in that round, and valid.</summary>
    private bool IsValid(uint round, Hash256 value) => validity.GetValueOrDefault((round, value));

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
