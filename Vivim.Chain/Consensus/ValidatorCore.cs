using Vivim.Ledger.Execution;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>
/// One validator, height after height: runs a <see cref="TendermintCore"/> per height, checks what others send, signs what the core wants
/// said, and asks its node for blocks, judgements and commits. A deterministic core: the clock's time comes with every input. The same code
/// runs in the node and in the simulator (docs/spec/consensus.md).
/// </summary>
public sealed partial class ValidatorCore
{
    /// <summary>How often <see cref="ValidatorInput.Tick"/> is to be fed.</summary>
    public static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(500);

    private readonly string chainId;
    private readonly ISignatureScheme scheme;
    private readonly ConsensusTimeouts timeouts;
    private readonly Signer signer;
    private readonly EvidencePool evidence = new();
    private readonly EarlyMessages early = new();
    private readonly Queue<ConsensusInput> inputs = new();
    private List<ValidatorOutput> outputs = [];
    private long now;
    private ChainTip? tip;

    // Null while this validator takes no part in the height under way.
    private TendermintCore? core;
    private PastVotes? past;
    private bool isRecovering;
    private bool hasWork;

    /// <param name="row">The signer's row as stored.</param>
    public ValidatorCore(string chainId, IConsensusKey key, SignerRow row, ISignatureScheme scheme, ConsensusTimeouts timeouts)
    {
        this.chainId = chainId;
        this.scheme = scheme;
        this.timeouts = timeouts;
        signer = new Signer(chainId, key, row);
    }

    /// <summary>The height under way; 0 before the tip is known.</summary>
    public ulong Height => tip is null ? 0 : tip.Height + 1;

    public uint Round => core?.Round ?? 0;

    public Step Step => core?.Step ?? Step.Propose;

    /// <summary>The signer's row after the last signature.</summary>
    public SignerRow Row => signer.Row;

    /// <summary>Votes, proposals, blocks and evidence in memory.</summary>
    public int HeldItems => (core?.HeldItems ?? 0) + (past?.Votes.Count ?? 0) + blocks.Count + waiting.Count + early.Count + evidence.Count;

    /// <summary>Takes one input.</summary>
    /// <param name="clock">This node's clock, in milliseconds since 1970 (UTC).</param>
    /// <returns>What must be done, in order.</returns>
    public IReadOnlyList<ValidatorOutput> Apply(ValidatorInput input, long clock)
    {
        now = clock;
        outputs = [];
        switch (input)
        {
            case ValidatorInput.TipReached reached:
                OnTip(reached);
                break;
            case ValidatorInput.Recovered recovered:
                OnRecovered(recovered);
                break;
            case ValidatorInput.Received received:
                OnReceived(received.From, received.Message);
                break;
            case ValidatorInput.Elapsed elapsed when elapsed.Timer.Height == Height && TakesPart:
                OnElapsed(elapsed.Timer);
                break;
            case ValidatorInput.Built built when built.Block.Header.Height == Height && TakesPart:
                Keep(built.Block);
                Feed(new ConsensusInput.ValueBuilt(built.Round, built.Block.Id));
                break;
            case ValidatorInput.Judged judged when judged.Height == Height:
                OnJudged(judged);
                break;
            case ValidatorInput.WorkArrived:
                OnWork();
                break;
            case ValidatorInput.Tick:
                OnTick();
                break;
        }

        return outputs;
    }

    /// <summary>Where the height is, in words: for a watchdog's last report.</summary>
    public string Describe()
    {
        if (tip is null) return "the tip is not known yet";
        if (core is null) return $"height {Height}: this validator takes no part" + (signer.Row.Height > Height ? $", it has signed at height {signer.Row.Height} and waits for the blocks in between" : "");
        var count = tip.Validators.Count;
        return $"height {Height}, round {Round}, step {Step}: {Held(VoteType.Prevote)} prevotes and {Held(VoteType.Precommit)} precommits of {count} validators, "
            + (core.ProposalOf(Round) is null ? "no proposal" : "a proposal");

        int Held(VoteType type) => core.Votes.Missing(type, Round, default).Count();
    }

    /// <summary>Nothing of the next height has begun.</summary>
    public bool IsBetweenHeights => core is null || (!core.HasStarted && !isRecovering);

    private bool TakesPart => core is not null && !isRecovering;

    private void OnTip(ValidatorInput.TipReached reached)
    {
        if (tip is not null && reached.Tip.Height <= tip.Height) return;
        AccuseByCertificate(reached.Tip);
        past = core is not null && core.Height == reached.Tip.Height ? new PastVotes(core.Height, core.Round, tip!.Validators, core.Votes) : null;
        tip = reached.Tip;
        evidence.OnTip(tip, reached.Evidence);
        BeginHeight(reached.HasUncertifiedState);
    }

    private void BeginHeight(bool hasUncertifiedState)
    {
        core = null;
        isRecovering = false;
        ClearBlocks();
        ticksAtHeight = 0;
        inputs.Clear();
        if (tip!.Validators.IndexOf(signer.PublicKey) < 0) return;
        if (signer.Row.Height > Height)
        {
            // Others have the blocks in between; alone, nobody has.
            if (tip.Validators.Count == 1) outputs.Add(new ValidatorOutput.Fault($"this validator has signed at height {signer.Row.Height}, but the chain database ends at {tip!.Height}: blocks were lost; restore the chain database, it must not be older than the signer's"));
            return;
        }

        core = new TendermintCore(Height, tip.Validators, signer.PublicKey, tip.Proposers.Proposer);
        hasWork = hasUncertifiedState;
        if (signer.Row.Height == Height)
        {
            isRecovering = true;
            outputs.Add(new ValidatorOutput.Recover(Height));
            return;
        }

        ScheduleBlock();
        foreach (var (from, message) in early.Take(Height)) OnReceived(from, message);
    }

    /// <summary>The signer's row says that this height was under way: goes on from there, with the stored blocks and messages.</summary>
    private void OnRecovered(ValidatorInput.Recovered recovered)
    {
        if (!isRecovering || recovered.Height != Height) return;
        isRecovering = false;
        foreach (var block in recovered.Blocks.Where(block => block.Header.Height == Height)) Keep(block);
        var row = signer.Row;
        if (tip!.Validators.Count == 1 && row.Proposals.Any(proposal => BlockOf(proposal.BlockId) is null))
        {
            core = null;
            outputs.Add(new ValidatorOutput.Fault($"a block that this validator has proposed at height {Height} is not in its journal: put the journal back, it must not be older than the signer's row"));
            return;
        }

        inputs.Enqueue(new ConsensusInput.Resume(row.Round, row.Step, row.Standing.Locked, row.Standing.Valid));
        foreach (var proposal in row.Proposals) Await(proposal);
        foreach (var vote in row.Standing.Grounds.Concat(row.Votes)) inputs.Enqueue(new ConsensusInput.VoteReceived(vote));
        Drain();
    }

    /// <summary>Blocks follow each other at the interval while there is work, or a state to certify; else at the interval of empty blocks.</summary>
    private void ScheduleBlock()
    {
        var parameters = tip!.System.Parameters;
        var due = tip.Time + (hasWork ? parameters.BlockIntervalMs : parameters.EmptyBlockIntervalMs);
        var wait = tip.Height == 0 ? 0 : Math.Clamp(due - now, 0, parameters.EmptyBlockIntervalMs);
        outputs.Add(new ValidatorOutput.Schedule(new ConsensusTimer.BlockDue(Height), TimeSpan.FromMilliseconds(wait)));
    }

    private void OnWork()
    {
        if (hasWork || core is null) return;
        hasWork = true;
        if (!core.HasStarted && !isRecovering) ScheduleBlock();
    }

    private void OnElapsed(ConsensusTimer timer)
    {
        switch (timer)
        {
            case ConsensusTimer.BlockDue when !core!.HasStarted:
                Feed(new ConsensusInput.Start());
                break;
            case ConsensusTimer.StepTimeout timeout:
                Feed(new ConsensusInput.TimeoutElapsed(timeout.Round, timeout.Step));
                break;
        }
    }

    private void Feed(ConsensusInput input)
    {
        inputs.Enqueue(input);
        Drain();
    }

    private void Drain()
    {
        while (inputs.TryDequeue(out var input))
        {
            foreach (var output in core!.Apply(input)) Do(output);
        }
    }

    private void Do(ConsensusOutput output)
    {
        switch (output)
        {
            case ConsensusOutput.GetValue get:
                outputs.Add(new ValidatorOutput.Build(Height, get.Round, now, evidence.All));
                break;
            case ConsensusOutput.SendProposal send:
                Propose(send);
                break;
            case ConsensusOutput.SendVote send:
                var vote = signer.SignVote(send.Type, Height, send.Round, send.Value, core!.Standing);
                Say(new ConsensusMessage.Voted(vote));
                inputs.Enqueue(new ConsensusInput.VoteReceived(vote));
                break;
            case ConsensusOutput.ScheduleTimeout timeout:
                outputs.Add(new ValidatorOutput.Schedule(new ConsensusTimer.StepTimeout(Height, timeout.Round, timeout.Step), timeouts.Of(timeout.Step, timeout.Round)));
                break;
            case ConsensusOutput.Decided { Certificate: var certificate }:
                // Where the block was given up for others, it comes by synchronisation.
                if (BlockOf(certificate.BlockId) is { } block) outputs.Add(new ValidatorOutput.Commit(block, certificate));
                break;
            case ConsensusOutput.Misbehaviour misbehaviour:
                Accuse(misbehaviour.Evidence);
                break;
        }
    }

    /// <summary>Persist, then act: the row that records a message comes before the message.</summary>
    private void Say(ConsensusMessage message)
    {
        outputs.Add(new ValidatorOutput.Record(signer.Row));
        outputs.Add(new ValidatorOutput.Broadcast(message));
    }
}
