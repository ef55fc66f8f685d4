using Akka.Actor;
using Akka.Event;
using Vivim.Chain.Ledger;
using Vivim.Chain.Sync;
using Vivim.Ledger.Execution;
using Vivim.Ledger.Snapshots;
using Vivim.Ledger.Storage;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;

namespace Vivim.Chain.StateSync;

/// <summary>How a node gets and offers snapshots.</summary>
/// <param name="Fetches">Whether it takes one at its start.</param>
/// <param name="Least">Heights by which a snapshot must be ahead of the node's own chain to be taken, at least 1.</param>
/// <param name="Every">It makes one at multiples of this height; 0 for none.</param>
/// <param name="Keep">How many it keeps.</param>
/// <param name="SnapshotFolder">Where.</param>
/// <param name="StagingFolder">Where chunks are that have come.</param>
public sealed record StateSyncSettings(GenesisFile Genesis, bool Fetches, ulong Least, ulong Every, int Keep, string SnapshotFolder, string StagingFolder, string StateDatabase) : INoSerializationVerificationNeeded;

/// <summary>The shell of a node's <see cref="StateSyncCore"/>, once at its start; the node's <see cref="SnapshotServer"/> below it.</summary>
public sealed class StateSyncActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly List<RefusedPeer> refused = [];
    private readonly StateSyncSettings settings;
    private readonly ChunkStaging staging;
    private readonly TimeProvider clock;
    private readonly IActorRef ledger;
    private readonly IActorRef peers;
    private readonly IActorRef server;
    private readonly IChainReader chain;
    private StateSyncCore? core;
    private StateSyncResult? result;
    private string? ended;
    private long begunAt;
    private int reused;
    private long bytes;

    /// <param name="peers">Takes <see cref="SyncOutgoing"/>; what it delivers comes as <see cref="SyncReceived"/>.</param>
    public StateSyncActor(StateSyncSettings settings, IActorRef ledger, IChainReader chain, IActorRef peers, TimeProvider clock)
    {
        this.settings = settings;
        this.ledger = ledger;
        this.chain = chain;
        this.peers = peers;
        this.clock = clock;
        staging = new ChunkStaging(settings.StagingFolder);
        server = settings.Every == 0 ? ActorRefs.Nobody : Context.ActorOf(Props.Create(() => new SnapshotServer(settings, chain, peers)), "server");
        Receive<BeginStateSync>(_ => ledger.Read(l => l.Tip).PipeTo(Self, failure: e => new TipReadFailed(e)));
        Receive<ChainTip>(Begin);
        Receive<HasStateSyncEnded>(_ => ended is not null, _ => Sender.Tell(new StateSyncEnded(ended!)));
        Receive<HasStateSyncEnded>(_ => { });
        Receive<StateSyncInput.Tick>(Feed);
        Receive<SyncReceived>(Route);
        Receive<SnapshotInstalled>(installed => Feed(new StateSyncInput.Installed(installed.Problem)));
        Receive<ReadStateSync>(_ => Answer());
        Receive<TipReadFailed>(failed => throw failed.Cause);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The chain's tip could not be read: state sync begins anew.</summary>
    private sealed record TipReadFailed(Exception Cause) : INoSerializationVerificationNeeded;

    private void Begin(ChainTip tip)
    {
        if (core is not null || ended is not null) return;
        if (!settings.Fetches)
        {
            End("it is switched off, or there are no other nodes");
            return;
        }

        core = new StateSyncCore(settings.Genesis, tip.Height, tip.Height + settings.Least);
        Timers.StartPeriodicTimer(nameof(StateSyncInput.Tick), new StateSyncInput.Tick(), SyncCore.TickInterval);
        Feed(new StateSyncInput.Tick());
    }

    private void Route(SyncReceived received)
    {
        switch (received.Message)
        {
            case SyncMessage.GetSnapshots when server.IsNobody():
                peers.Tell(new SyncOutgoing(received.From, new SyncMessage.Snapshots([])));
                break;
            case SyncMessage.GetSnapshots or SyncMessage.GetManifest or SyncMessage.GetChunk:
                server.Tell(received);
                break;
            case SyncMessage.Snapshot message:
                Feed(new StateSyncInput.Received(received.From, message));
                break;
        }
    }

    private void Feed(StateSyncInput input)
    {
        if (core is null) return;
        foreach (var output in core.Apply(input)) Do(output);
    }

    private void Do(StateSyncOutput output)
    {
        switch (output)
        {
            case StateSyncOutput.Broadcast { Message: var message }:
                peers.Tell(new SyncOutgoing(null, message));
                break;
            case StateSyncOutput.Send { To: var to, Message: var message }:
                peers.Tell(new SyncOutgoing(to, message));
                break;
            case StateSyncOutput.Begin { Manifest: var manifest }:
                OnBegin(manifest);
                break;
            case StateSyncOutput.Keep { Manifest: var manifest, Index: var index, Body: var body }:
                bytes += body.Length;
                staging.Save(manifest.Chunks, index, body);
                break;
            case StateSyncOutput.Install { Manifest: var manifest }:
                ledger.Tell(new InstallSnapshot(manifest, staging.Rows(manifest.Chunks)));
                break;
            case StateSyncOutput.Blame { Peer: var peer, Reason: var reason }:
                refused.Add(new RefusedPeer(peer, reason));
                log.Warning("the peer {0} is refused, nothing more is asked of it for this state sync: {1}", peer, reason);
                break;
            case StateSyncOutput.End { Why: var why }:
                End(why);
                break;
        }
    }

    private void OnBegin(SnapshotManifest manifest)
    {
        begunAt = clock.GetTimestamp();
        var found = staging.Find(manifest.Chunks);
        reused = found.Count;
        log.Info("getting the state of height {0} in {1} chunks, {2} bytes; {3} chunks are here from before", manifest.Height, manifest.Chunks.Count, manifest.Chunks.Bytes, reused);
        Feed(new StateSyncInput.Found(found));
    }

    private void End(string why)
    {
        Timers.Cancel(nameof(StateSyncInput.Tick));
        ended = why;
        if (core?.Installed is { } manifest) result = new StateSyncResult(manifest.Height, manifest.Chunks.Count, reused, bytes, clock.GetElapsedTime(begunAt));
        staging.Clear();
        log.Info("state sync: {0}", why);
        Context.System.EventStream.Publish(new StateSyncEnded(why));
    }

    private void Answer()
    {
        var (phase, missing, newest) = (core?.Phase ?? StateSyncPhase.Asking, core?.Missing ?? 0, chain.Heights().Newest);
        if (ended is not null) phase = StateSyncPhase.Ended;
        var own = new StateSyncStatus(phase, ended, missing, result, [.. refused], settings.Every, null, 0, 0, 0, null);
        if (server.IsNobody())
        {
            Sender.Tell(own);
            return;
        }

        server.Ask<SnapshotServer.Served>(new SnapshotServer.ReadServed(), AnswerLimit).PipeTo(
            Sender,
            success: served => own with { Newest = served.Newest, Behind = newest - Math.Min(newest, served.Newest?.Height ?? 0), ChunksServed = served.Chunks, BytesServed = served.Bytes, Problem = served.Problem });
    }
}
