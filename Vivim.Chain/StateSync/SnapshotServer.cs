using Akka.Actor;
using Akka.Event;
using Vivim.Chain.Ledger;
using Vivim.Chain.Sync;
using Vivim.Ledger.Snapshots;
using Vivim.Ledger.Storage;
using Vivim.Protocol.Consensus;

namespace Vivim.Chain.StateSync;

/// <summary>
/// Makes snapshots of a node's state and serves them: cuts the state database when it has been flushed at a multiple of the interval, offers the
/// snapshot as soon as the next header certifies it, and answers a bounded number of requests at once; further ones go unanswered, and those who ask turn elsewhere.
/// </summary>
internal sealed class SnapshotServer : ReceiveActor, IWithTimers
{
    /// <summary>Reads for other nodes at once.</summary>
    private const int MaxReads = 4;

    /// <summary>Requests of one peer answered in a second.</summary>
    private const int MaxServed = 128;

    private const int MaxPeers = 256;

    private static readonly TimeSpan ServedInterval = TimeSpan.FromSeconds(1);

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly Dictionary<PeerId, int> served = [];
    private readonly StateSyncSettings settings;
    private readonly SnapshotFolder folder;
    private readonly IChainReader chain;
    private readonly IActorRef peers;
    private SnapshotDraft? draft;
    private bool isMaking;
    private int reads;
    private long chunksServed;
    private long bytesServed;
    private string? problem;

    public SnapshotServer(StateSyncSettings settings, IChainReader chain, IActorRef peers)
    {
        this.settings = settings;
        this.chain = chain;
        this.peers = peers;
        folder = new SnapshotFolder(settings.SnapshotFolder, settings.Keep);
        Receive<StateFlushed>(flushed => flushed.Height % settings.Every == 0 && !isMaking, flushed => Make(() => folder.Cut(settings.StateDatabase, flushed.Height)));
        Receive<BlockCommitted>(_ => Complete());
        Receive<Made>(OnMade);
        Receive<SyncReceived>(Serve);
        Receive<Read>(OnRead);
        Receive<ForgetServed>(_ => served.Clear());
        Receive<ReadServed>(_ => Sender.Tell(new Served(folder.Newest, chunksServed, bytesServed, problem)));
        Receive<StateFlushed>(_ => { });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Answered by <see cref="Served"/>.</summary>
    internal sealed record ReadServed : INoSerializationVerificationNeeded;

    internal sealed record Served((ulong Height, int Chunks, long Bytes)? Newest, long Chunks, long Bytes, string? Problem) : INoSerializationVerificationNeeded;

    private sealed record Made(SnapshotDraft? Draft, string? Problem) : INoSerializationVerificationNeeded;

    private sealed record Read(PeerId To, SyncMessage.Snapshot? Answer, long ChunkBytes, string? Damage = null) : INoSerializationVerificationNeeded;

    private sealed record ForgetServed : INoSerializationVerificationNeeded;

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<StateFlushed>(Self);
        Context.System.EventStream.Subscribe<BlockCommitted>(Self);
        Timers.StartPeriodicTimer(nameof(ForgetServed), new ForgetServed(), ServedInterval);
    }

    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    private void Make(Func<SnapshotDraft?> make)
    {
        isMaking = true;
        Task.Run(() =>
        {
            try
            {
                return new Made(make(), null);
            }
            catch (Exception e)
            {
                // Nothing that the node needs: it goes on without, and its worker says why.
                return new Made(null, $"no snapshot was made: {e.Message}");
            }
        }).PipeTo(Self);
    }

    private void Complete()
    {
        if (draft is not { } ready || isMaking) return;
        draft = null;
        Make(() => folder.Complete(ready, chain) ? null : ready);
    }

    private void OnMade(Made made)
    {
        isMaking = false;
        if (made.Problem is not null) log.Warning("{0}", made.Problem);
        var isNew = draft is null && made.Draft is not null;
        problem = made.Problem;
        draft = made.Draft;
        // The block that certifies it may have come meanwhile.
        if (isNew && chain.Heights().Newest > made.Draft!.Height) Complete();
    }

    private void Serve(SyncReceived request)
    {
        if (request.Message is SyncMessage.GetSnapshots)
        {
            // What cannot be followed by blocks from here is of no use.
            var oldest = chain.Heights().Oldest;
            peers.Tell(new SyncOutgoing(request.From, new SyncMessage.Snapshots([.. folder.Offers.Where(offer => offer.Height + 1 >= oldest).Take(SyncMessage.MaxOffers)])));
            return;
        }

        var already = served.GetValueOrDefault(request.From);
        if (reads >= MaxReads || already >= MaxServed || (already == 0 && served.Count >= MaxPeers)) return;
        served[request.From] = already + 1;
        reads++;
        Task.Run(() => ReadFor(request)).PipeTo(Self, failure: _ => new Read(request.From, null, 0));
    }

    private Read ReadFor(SyncReceived request)
    {
        switch (request.Message)
        {
            case SyncMessage.GetManifest get:
                return new Read(request.From, new SyncMessage.Manifest(get.Id, folder.ReadManifest(get.Id)), 0);
            case SyncMessage.GetChunk get:
                var body = folder.ReadChunk(get.Id, (int)Math.Min(get.Index, int.MaxValue), out var damage);
                return new Read(request.From, new SyncMessage.Chunk(get.Id, get.Index, body), body?.Length ?? 0, damage);
            default:
                return new Read(request.From, null, 0);
        }
    }

    private void OnRead(Read read)
    {
        reads--;
        if (read.Damage is { } damage)
        {
            log.Warning("{0}", damage);
            problem = damage;
        }

        if (read.Answer is null) return;
        if (read.ChunkBytes > 0) chunksServed++;
        bytesServed += read.ChunkBytes;
        peers.Tell(new SyncOutgoing(read.To, read.Answer));
    }
}
