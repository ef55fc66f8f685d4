using Akka.Actor;
using Akka.Event;
using Vivim.Chain.Ledger;
using Vivim.Chain.StateSync;
using Vivim.Ledger.Execution;
using Vivim.Ledger.Storage;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Sync;

/// <summary>A message from another node.</summary>
public sealed record SyncReceived(PeerId From, SyncMessage Message);

/// <summary>A message for another node; for all where <paramref name="To"/> is null. Delivered at most once.</summary>
public sealed record SyncOutgoing(PeerId? To, SyncMessage Message) : INoSerializationVerificationNeeded;

/// <summary>How far behind its peers is this node? Answered by <see cref="SyncProgress"/>.</summary>
public sealed record ReadSyncProgress : INoSerializationVerificationNeeded;

/// <summary>The shell of a node's <see cref="SyncCore"/>: catches up with other nodes, and serves them.</summary>
public sealed class SyncActor : ReceiveActor, IWithTimers
{
    /// <summary>The actor's name under /user, by which other nodes of the cluster find it.</summary>
    public const string Name = "sync";

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly SyncCore core = new(Ed25519Scheme.Instance);
    private readonly IActorRef ledger;
    private readonly IChainReader chain;
    private readonly IActorRef peers;
    private readonly IActorRef stateSync;

    /// <param name="peers">Takes <see cref="SyncOutgoing"/>; what it delivers comes back as <see cref="SyncReceived"/>.</param>
    /// <param name="stateSync">Takes what is about snapshots; until it has published <see cref="StateSyncEnded"/> no blocks are asked for. Nobody where there are no snapshots.</param>
    public SyncActor(IActorRef ledger, IChainReader chain, IActorRef peers, IActorRef stateSync)
    {
        this.ledger = ledger;
        this.chain = chain;
        this.peers = peers;
        this.stateSync = stateSync;
        if (!stateSync.IsNobody()) Feed(new SyncInput.Hold(true));
        Receive<BlockCommitted>(committed => Feed(new SyncInput.TipReached(committed.Tip)));
        Receive<SyncReceived>(received => received.Message is SyncMessage.Snapshot, stateSync.Forward);
        Receive<StateSyncEnded>(_ => Feed(new SyncInput.Hold(false)));
        Receive<SyncReceived>(received => Feed(new SyncInput.Received(received.From, received.Message)));
        Receive<SyncInput.Tick>(Feed);
        Receive<ReadSyncProgress>(_ => Sender.Tell(core.Progress));
        Receive<TipUnread>(unread => throw unread.Cause);
        Receive<ChainTip>(tip => Feed(new SyncInput.TipReached(tip)));
    }

    /// <summary>The ledger has not answered at the start.</summary>
    private sealed record TipUnread(Exception Cause) : INoSerializationVerificationNeeded;

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<BlockCommitted>(Self);
        Context.System.EventStream.Subscribe<StateSyncEnded>(Self);
        stateSync.Tell(new HasStateSyncEnded());
        // Read after the subscription, so that no commit falls in between.
        ledger.Read(l => l.Tip).PipeTo(Self, failure: e => new TipUnread(e));
        Timers.StartPeriodicTimer(nameof(SyncInput.Tick), new SyncInput.Tick(), SyncCore.TickInterval);
    }

    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    private void Feed(SyncInput input)
    {
        foreach (var output in core.Apply(input)) Do(output);
    }

    private void Do(SyncOutput output)
    {
        switch (output)
        {
            case SyncOutput.Broadcast { Message: var message }:
                peers.Tell(new SyncOutgoing(null, message));
                break;
            case SyncOutput.Send { To: var to, Message: var message }:
                peers.Tell(new SyncOutgoing(to, message));
                break;
            case SyncOutput.Serve { To: var to, From: var from }:
                Task.Run(() => new SyncOutgoing(to, new SyncMessage.Blocks(Read(from)))).PipeTo(peers);
                break;
            case SyncOutput.Commit { Block: var (block, certificate) }:
                ledger.Tell(new CommitBlock(block, certificate));
                break;
            case SyncOutput.Blame { Peer: var peer, Reason: var reason }:
                log.Warning("the peer {0} is not asked for a while: {1}", peer, reason);
                break;
        }
    }

    private List<CertifiedBlock> Read(ulong from)
    {
        var blocks = new List<CertifiedBlock>();
        var size = 0;
        while (blocks.Count < SyncMessage.MaxBlocks && chain.Read(from + (ulong)blocks.Count) is { } record)
        {
            size += record.Block.Length + record.Certificate.Length;
            if (blocks.Count > 0 && size > SyncMessage.PreferredSize) break;
            blocks.Add(new CertifiedBlock(Block.FromBytes(record.Block), CommitCertificate.FromBytes(record.Certificate)));
        }

        return blocks;
    }
}
