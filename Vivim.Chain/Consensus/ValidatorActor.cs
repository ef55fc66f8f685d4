using Akka.Actor;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Event;
using Akka.Persistence;
using Vivim.Actors;
using Vivim.Chain.BlockMaking;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Ledger.Execution;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Consensus;

/// <summary>What a validator needs of its node.</summary>
/// <param name="BlockMakers">The shard region of <see cref="BlockMaker"/>.</param>
/// <param name="Delivery">Takes <see cref="OutgoingMessage"/>; what it delivers comes back as <see cref="DeliverMessage"/>.</param>
public sealed record ValidatorSettings(IActorRef Ledger, IActorRef BlockMakers, IActorRef Delivery, ISignerStore SignerStore, ConsensusTimeouts Timeouts, TimeProvider Clock);

/// <summary>
/// The shell of a <see cref="ValidatorCore"/>: feeds it messages, timers and the ledger's news, and does what it wants in order. A failure restarts
/// it, and it goes on from the signer's row and the ledger.
/// </summary>
public sealed class ValidatorActor : JournaledActor, IWithTimers
{
    /// <summary>The dispatcher it runs on: the signer's database is written there.</summary>
    public const string Dispatcher = "vivim-dispatchers.consensus";

    private const int KeepDecided = 100;

    /// <summary>Ticks from one report to the next.</summary>
    private const int ReportTicks = 10;

    /// <summary>How long one that leaves waits for the end of its height.</summary>
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(20);

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly SigningKey key;
    private readonly ValidatorSettings settings;
    private ValidatorCore core = null!;
    private ChainTip tip = null!;
    private int ticks;
    private bool isLeaving;

    public ValidatorActor(SigningKey key, ValidatorSettings settings)
        : base($"validator-{key.PublicKey}", "consensus")
    {
        this.key = key;
        this.settings = settings;
        Recover<HeightDecided>(_ => { });
        Recover<RecoveryCompleted>(_ => settings.Ledger.Read(l => new TipRead(l.Tip, l.HasUncertifiedState)).PipeTo(Self, failure: e => new ReadFailed(e)));
        Command<TipRead>(Start);
        Command<LeaveNode>(_ => Context.Stop(Self));
        Command<ReadFailed>(failed => throw failed.Cause);
        CommandAny(_ => Stash.Stash());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override object EndMessage => new LeaveNode();

    private sealed record TipRead(ChainTip Tip, bool HasUncertifiedState) : INoSerializationVerificationNeeded;

    /// <summary>The chain's tip could not be read: the validator begins anew.</summary>
    private sealed record ReadFailed(Exception Cause) : INoSerializationVerificationNeeded;

    private sealed record LeaveTooLong : INoSerializationVerificationNeeded;

    private sealed record NodeFailed(ulong Height, Exception Cause) : INoSerializationVerificationNeeded;

    protected override void PreStart()
    {
        base.PreStart();
        DistributedPubSub.Get(Context.System).Mediator.Tell(new Subscribe(WorkAvailable.Topic, Self));
        Context.System.EventStream.Subscribe<BlockCommitted>(Self);
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe<BlockCommitted>(Self);
        base.PostStop();
    }

    protected override string Describe() => $"{Did.OfKey(key.PublicKey)}: {core.Describe()}";

    private void Start(TipRead read)
    {
        if (TryUseStore(store => store.Require(key.PublicKey), "the signer row cannot be read") is not { } row) return;
        core = new ValidatorCore(read.Tip.ChainId, key, row, Ed25519Scheme.Instance, settings.Timeouts);
        if (read.Tip.NextValidators.IndexOf(key.PublicKey) < 0) log.Warning("{0} is no validator of height {1}: it takes no part until the authorities add it", key.PublicKey, read.Tip.Height + 2);
        Become(Running);
        Timers.StartPeriodicTimer(nameof(ValidatorInput.Tick), new ValidatorInput.Tick(), ValidatorCore.TickInterval);
        OnTip(new ValidatorInput.TipReached(read.Tip, read.HasUncertifiedState, []));
        Stash.UnstashAll();
    }

    /// <summary>Uses the signer store. When that fails the validator ends, and its keeper starts it again on what the store holds by then.</summary>
    /// <returns>The row, or null when it failed.</returns>
    private SignerRow? TryUseStore(Func<ISignerStore, SignerRow> use, string failure)
    {
        try
        {
            return use(settings.SignerStore);
        }
        catch (Exception e)
        {
            log.Error(e, "{0}: the validator starts again", failure);
            StopBecause(e);
            return null;
        }
    }

    private void Running()
    {
        Command<DeliverMessage>(delivered => Feed(new ValidatorInput.Received(delivered.From, delivered.Message)));
        Command<BlockCommitted>(OnCommitted);
        Command<ValidatorInput.Tick>(OnTick);
        Command<ValidatorInput>(Feed);
        Command<WorkAvailable>(_ => Feed(new ValidatorInput.WorkArrived()));
        Command<NodeFailed>(OnNodeFailed);
        Command<LeaveNode>(OnLeave);
        Command<LeaveTooLong>(_ => Context.Stop(Self));
        Command<WakeValidator>(_ => { });
        Command<SubscribeAck>(_ => { });
    }

    private void OnLeave(LeaveNode leave)
    {
        isLeaving = true;
        if (core.IsBetweenHeights) Context.Stop(Self);
        else Timers.StartSingleTimer(nameof(LeaveTooLong), new LeaveTooLong(), LeaveLimit);
    }

    private void OnNodeFailed(NodeFailed failed)
    {
        // What was asked for too late for its height is not missed.
        if (failed.Height != core.Height) return;
        log.Error(failed.Cause, "height {0} cannot go on: the validator starts again", failed.Height);
        // By its keeper: a node that fails again at once would have it restart without a pause.
        StopBecause(failed.Cause);
    }

    private void OnCommitted(BlockCommitted committed)
    {
        if (committed.Tip.Height <= tip.Height) return;
        if (isLeaving)
        {
            Context.Stop(Self);
            return;
        }

        PersistAsync(new HeightDecided(committed.Tip.Height, committed.Tip.Certificate!.Round, committed.Tip.BlockId), _ =>
        {
            if (LastSequenceNr % KeepDecided == 0 && LastSequenceNr > KeepDecided) DeleteMessages(LastSequenceNr - KeepDecided);
        });
        OnTip(new ValidatorInput.TipReached(committed.Tip, committed.HasUncertifiedState, committed.Evidence));
    }

    private void OnTip(ValidatorInput.TipReached reached)
    {
        tip = reached.Tip;
        Feed(reached);
    }

    private void OnTick(ValidatorInput.Tick tick)
    {
        Feed(tick);
        if (++ticks % ReportTicks == 0) Context.System.EventStream.Publish(new ValidatorReport(key.PublicKey, core.Describe(), core.Round));
    }

    private void Feed(ValidatorInput input)
    {
        foreach (var output in core.Apply(input, settings.Clock.GetUtcNow().ToUnixTimeMilliseconds()))
        {
            if (output is not ValidatorOutput.Record { Row: var row }) Do(output);
            else if (TryUseStore(store => store.Record(key.PublicKey, row), $"the signer row of height {row.Height} cannot be recorded, so nothing of it is sent") is null) return;
        }
    }

    private void Do(ValidatorOutput output)
    {
        switch (output)
        {
            case ValidatorOutput.Broadcast { Message: var message }:
                settings.Delivery.Tell(new OutgoingMessage(key.PublicKey, Others(), message));
                break;
            case ValidatorOutput.Send { To: var to, Message: var message }:
                settings.Delivery.Tell(new OutgoingMessage(key.PublicKey, [to], message));
                break;
            case ValidatorOutput.Schedule { Timer: var timer, After: var after }:
                Timers.StartSingleTimer(timer, new ValidatorInput.Elapsed(timer), after);
                break;
            case ValidatorOutput.Build build:
                AskNode(build.Height, Build(build));
                break;
            case ValidatorOutput.Judge { Block: var block }:
                AskNode(block.Header.Height, Judge(block));
                break;
            case ValidatorOutput.Recover { Height: var height }:
                AskNode(height, Find(height));
                break;
            case ValidatorOutput.Commit { Block: var block, Certificate: var certificate }:
                settings.Ledger.Tell(new CommitBlock(block, certificate));
                break;
            case ValidatorOutput.Accuse { Evidence: var evidence }:
                log.Error("validator {0} has signed two votes for height {1}, round {2}", evidence.First.Validator, evidence.First.Height, evidence.First.Round);
                break;
            case ValidatorOutput.Fault { Reason: var reason }:
                Context.System.EventStream.Publish(new NodeFault(reason));
                break;
        }
    }

    private List<PublicKey> Others()
    {
        var others = new List<PublicKey>(tip.Validators.Count);
        for (var i = 0; i < tip.Validators.Count; i++)
        {
            if (tip.Validators[i].Key != key.PublicKey) others.Add(tip.Validators[i].Key);
        }

        return others;
    }

    private void AskNode(ulong height, Task<ValidatorInput> answer) => answer.PipeTo(Self, failure: e => new NodeFailed(height, e));

    private async Task<ValidatorInput> Build(ValidatorOutput.Build build)
    {
        var built = await settings.BlockMakers.Ask<BlockBuilt>(new BuildBlock(key.PublicKey, build.Height, build.Round, build.Time, build.Evidence), AskTimeout);
        return new ValidatorInput.Built(build.Round, built.Block);
    }

    /// <summary>A valid block is stored before it may be voted for: were it lost everywhere, nobody could go on from the votes.</summary>
    private async Task<ValidatorInput> Judge(Block block)
    {
        var problem = await settings.Ledger.Judge(block);
        if (problem is null) await settings.BlockMakers.Ask<BlockKept>(new KeepBlock(key.PublicKey, block), AskTimeout);
        return new ValidatorInput.Judged(block.Header.Height, block.Id, problem);
    }

    private async Task<ValidatorInput> Find(ulong height) =>
        new ValidatorInput.Recovered(height, (await settings.BlockMakers.Ask<BlocksFound>(new FindBlocks(key.PublicKey, height), AskTimeout)).Blocks);
}
