using Akka.Actor;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Event;
using Akka.Persistence;
using Vivim.Actors;
using Vivim.Chain.BlockMaking;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>How long a step waits (arXiv 1807.04938, L21, L35, L48): the base, and more with every round.</summary>
public sealed record ConsensusTimeouts(TimeSpan Propose, TimeSpan Vote, TimeSpan PerRound)
{
    public TimeSpan Of(Step step, uint round) => (step == Step.Propose ? Propose : Vote) + PerRound * round;
}

/// <summary>What a validator needs of its node.</summary>
/// <param name="BlockMakers">The shard region of <see cref="BlockMaker"/>.</param>
public sealed record ValidatorSettings(IActorRef Ledger, IActorRef BlockMakers, ISignerStore SignerStore, ConsensusTimeouts Timeouts, TimeProvider Clock);

/// <summary>
/// The shell of one validator's <see cref="TendermintCore"/>: one core per height. What the core wants sent is signed and recorded first. A
/// failure restarts it, and it goes on from the signer's row and the ledger.
/// </summary>
public sealed class ValidatorActor : JournaledActor, IWithTimers
{
    /// <summary>The dispatcher it runs on: the signer's database is written there.</summary>
    public const string Dispatcher = "vivim-dispatchers.consensus";

    private const int KeepDecided = 100;

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly SigningKey key;
    private readonly ValidatorSettings settings;
    private readonly Dictionary<Hash256, Block> blocks = [];
    private readonly Queue<ConsensusInput> inputs = new();
    private Signer signer = null!;
    private TendermintCore core = null!;
    private ChainTip tip = null!;
    private ulong lastDecided;
    private bool hasWork;
    private bool isWaiting;

    public ValidatorActor(SigningKey key, ValidatorSettings settings)
        : base($"validator-{key.PublicKey}", "consensus")
    {
        this.key = key;
        this.settings = settings;
        Recover<HeightDecided>(e => lastDecided = e.Height);
        Recover<RecoveryCompleted>(_ => settings.Ledger.Read(l => new TipRead(l.Tip, l.HasUncertifiedState)).PipeTo(Self));
        Command<TipRead>(read =>
        {
            signer = new Signer(settings.SignerStore, key, read.Tip.ChainId);
            Become(Running);
            BeginHeight(read.Tip, read.HasUncertifiedState);
            Stash.UnstashAll();
        });
        Command<Status.Failure>(failure => throw failure.Cause);
        CommandAny(_ => Stash.Stash());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record TipRead(ChainTip Tip, bool HasUncertifiedState) : INoSerializationVerificationNeeded;

    private sealed record HeightDue(ulong Height) : INoSerializationVerificationNeeded;

    private sealed record Resumed(ulong Height, IReadOnlyList<BlockFound> Blocks) : INoSerializationVerificationNeeded;

    private sealed record Built(uint Round, Block Block) : INoSerializationVerificationNeeded;

    private sealed record BuildFailed(ulong Height, Exception Cause) : INoSerializationVerificationNeeded;

    private sealed record TimedOut(ulong Height, uint Round, Step Step) : INoSerializationVerificationNeeded;

    protected override void PreStart()
    {
        base.PreStart();
        DistributedPubSub.Get(Context.System).Mediator.Tell(new Subscribe(WorkAvailable.Topic, Self));
    }

    private void Running()
    {
        Command<BlockCommitted>(OnCommitted);
        Command<HeightDue>(due =>
        {
            if (!isWaiting || due.Height != core.Height) return;
            isWaiting = false;
            Feed(new ConsensusInput.Start());
        });
        Command<WorkAvailable>(_ => OnWork());
        Command<Resumed>(OnResumed);
        Command<Built>(OnBuilt);
        Command<BuildFailed>(failed =>
        {
            // A block that was asked for too late for its height is not missed.
            if (failed.Height == core.Height) throw failed.Cause;
        });
        Command<TimedOut>(message =>
        {
            if (message.Height == core.Height) Feed(new ConsensusInput.TimeoutElapsed(message.Round, message.Step));
        });
        Command<WakeValidator>(_ => { });
        Command<SubscribeAck>(_ => { });
        Command<Status.Failure>(failure => throw failure.Cause);
    }

    private void BeginHeight(ChainTip newTip, bool hasUncertifiedState)
    {
        tip = newTip;
        var height = tip.Height + 1;
        if (lastDecided > tip.Height || signer.Row.Height > height)
        {
            Fault($"this validator has signed at height {Math.Max(lastDecided, signer.Row.Height)}, but the chain database ends at {tip.Height}: blocks were lost; restore the chain database, it must not be older than the signer's");
            return;
        }

        blocks.Clear();
        Timers.CancelAll();
        core = new TendermintCore(height, tip.Validators, key.PublicKey, _ => key.PublicKey);
        if (signer.Row.Height == height) Resume();
        else WaitForDue(hasUncertifiedState);
    }

    /// <summary>The signer's row says that this height was under way: go on from there with the stored block and messages.</summary>
    private void Resume()
    {
        var row = signer.Row;
        var height = core.Height;
        Task.WhenAll(row.Proposals.Select(p => p.BlockId).Distinct().Select(id => settings.BlockMakers.Ask<BlockFound>(new FindBlock(key.PublicKey, id), TimeSpan.FromSeconds(20))))
            .PipeTo(Self, success: found => new Resumed(height, found));
    }

    private void OnResumed(Resumed resumed)
    {
        if (resumed.Height != core.Height) return;
        if (resumed.Blocks.Any(found => found.Block is null))
        {
            Fault($"a block that this validator has proposed at height {resumed.Height} is not in its journal: put the journal back, it must not be older than the signer's row");
            return;
        }

        foreach (var found in resumed.Blocks) blocks[found.Block!.Id] = found.Block;
        var row = signer.Row;
        log.Info("going on at height {0}, round {1}, step {2} with {3} stored messages", row.Height, row.Round, row.Step, row.Proposals.Count + row.Votes.Count);
        inputs.Enqueue(new ConsensusInput.Resume(row.Round, row.Step, row.Locked, row.Valid));
        foreach (var proposal in row.Proposals) inputs.Enqueue(new ConsensusInput.ProposalReceived(proposal, IsValid: true));
        foreach (var vote in row.Votes) inputs.Enqueue(new ConsensusInput.VoteReceived(vote));
        Drain();
    }

    /// <summary>Blocks follow each other at the interval while there is work, or a state to certify; else at the interval of empty blocks.</summary>
    private void WaitForDue(bool hasUncertifiedState)
    {
        isWaiting = true;
        hasWork = hasUncertifiedState;
        ScheduleDue();
    }

    private void OnWork()
    {
        if (hasWork) return;
        hasWork = true;
        if (isWaiting) ScheduleDue();
    }

    private void ScheduleDue()
    {
        var parameters = tip.System.Parameters;
        var due = tip.Time + (hasWork ? parameters.BlockIntervalMs : parameters.EmptyBlockIntervalMs);
        var wait = tip.Height == 0 ? 0 : due - settings.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        Timers.StartSingleTimer(nameof(HeightDue), new HeightDue(core.Height), TimeSpan.FromMilliseconds(Math.Clamp(wait, 0, parameters.EmptyBlockIntervalMs)));
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
            foreach (var output in core.Apply(input)) Do(output);
        }
    }

    private void Do(ConsensusOutput output)
    {
        switch (output)
        {
            case ConsensusOutput.GetValue get:
                AskForBlock(get.Round);
                break;
            case ConsensusOutput.SendProposal send:
                inputs.Enqueue(new ConsensusInput.ProposalReceived(signer.SignProposal(core.Height, send.Round, send.ValidRound, send.Value, core.Locked, core.Valid), IsValid: true));
                break;
            case ConsensusOutput.SendVote send:
                inputs.Enqueue(new ConsensusInput.VoteReceived(signer.SignVote(send.Type, core.Height, send.Round, send.Value, core.Locked, core.Valid)));
                break;
            case ConsensusOutput.ScheduleTimeout timeout:
                Timers.StartSingleTimer((timeout.Round, timeout.Step), new TimedOut(core.Height, timeout.Round, timeout.Step), settings.Timeouts.Of(timeout.Step, timeout.Round));
                break;
            case ConsensusOutput.Decided decided:
                settings.Ledger.Tell(new CommitBlock(blocks[decided.Certificate.BlockId], decided.Certificate));
                break;
            case ConsensusOutput.Misbehaviour misbehaviour:
                log.Error("validator {0} has signed two votes for height {1}, round {2}", misbehaviour.Evidence.First.Validator, core.Height, misbehaviour.Evidence.First.Round);
                break;
        }
    }

    private void AskForBlock(uint round)
    {
        var request = new BuildBlock(key.PublicKey, core.Height, round, settings.Clock.GetUtcNow().ToUnixTimeMilliseconds());
        settings.BlockMakers.Ask<BlockBuilt>(request, TimeSpan.FromSeconds(20)).PipeTo(Self, success: built => new Built(round, built.Block), failure: e => new BuildFailed(request.Height, e));
    }

    private void OnBuilt(Built built)
    {
        if (built.Block.Header.Height != core.Height) return;
        blocks[built.Block.Id] = built.Block;
        Feed(new ConsensusInput.ValueBuilt(built.Round, built.Block.Id));
    }

    private void OnCommitted(BlockCommitted committed)
    {
        if (committed.Tip.Height < core.Height) return;
        PersistAsync(new HeightDecided(committed.Tip.Height, committed.Tip.Certificate!.Round, committed.Tip.BlockId), decided =>
        {
            lastDecided = decided.Height;
            if (LastSequenceNr % KeepDecided == 0 && LastSequenceNr > KeepDecided) DeleteMessages(LastSequenceNr - KeepDecided);
        });
        BeginHeight(committed.Tip, committed.HasUncertifiedState);
    }

    private static void Fault(string reason) => Context.System.EventStream.Publish(new NodeFault(reason));
}
