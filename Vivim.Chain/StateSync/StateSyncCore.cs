using Vivim.Chain.Sync;
using Vivim.Ledger.Snapshots;
using Vivim.Protocol;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Genesis;

namespace Vivim.Chain.StateSync;

/// <summary>
/// Gets a snapshot of the state for a node that is far behind: asks who has which, has the manifest proven from the genesis, then asks whoever offers
/// the same snapshot for its chunks, each proven by itself. Who sends anything else is named and not asked again. A deterministic core
/// (docs/spec/state-sync.md).
/// </summary>
/// <param name="genesis">All trust comes from it.</param>
/// <param name="height">The node's own.</param>
/// <param name="least">A snapshot is taken from this height on; what is nearer is left to blocks.</param>
public sealed class StateSyncCore(GenesisFile genesis, ulong height, ulong least)
{
    /// <summary>Requests that are open at once.</summary>
    public const int MaxOpen = 16;

    /// <summary>Requests of one peer that are open at once.</summary>
    public const int MaxOpenOfPeer = 4;

    /// <summary>Snapshots that are begun before blocks must do.</summary>
    public const int MaxAttempts = 5;

    private const int MaxPeers = 256;

    /// <summary>Ticks between two questions for offers.</summary>
    private const int AskTicks = 4;

    /// <summary>Ticks from the first answer to a choice, so that others can answer too.</summary>
    private const int ChoiceTicks = 2;

    /// <summary>Ticks without an answer by anybody after which blocks must do.</summary>
    private const int SilentTicks = 20;

    /// <summary>Ticks until an unanswered request goes to another peer.</summary>
    private const int AnswerTicks = 10;

    /// <summary>Unanswered requests in a row after which a peer's offers count no more.</summary>
    private const int MaxMissed = 3;

    private readonly SortedDictionary<string, Peer> peers = new(StringComparer.Ordinal);
    private readonly Dictionary<int, (string Peer, int Since)> open = [];
    private readonly SortedSet<int> missing = [];
    private List<StateSyncOutput> outputs = [];
    private SnapshotManifest? manifest;
    private (SnapshotOffer Offer, string Peer, int Since)? chosen;
    private int? firstAnswer;
    private int attempts;
    private int ticks;
    private int askingSince;

    public StateSyncPhase Phase { get; private set; } = StateSyncPhase.Asking;

    /// <summary>The snapshot that the ledger has taken; null where it has taken none.</summary>
    public SnapshotManifest? Installed { get; private set; }

    /// <summary>Chunks still to come.</summary>
    public int Missing => missing.Count + open.Count;

    private sealed class Peer
    {
        public IReadOnlyList<SnapshotOffer> Offers { get; set; } = [];

        public bool IsRefused { get; set; }

        public int Open { get; set; }

        public int Missed { get; set; }

        public int AskedAt { get; set; }
    }

    /// <summary>Takes one input and tells what must be done, in order.</summary>
    public IReadOnlyList<StateSyncOutput> Apply(StateSyncInput input)
    {
        outputs = [];
        if (Phase == StateSyncPhase.Ended) return outputs;
        switch (input)
        {
            case StateSyncInput.Tick:
                OnTick();
                break;
            case StateSyncInput.Received received:
                if (PeerOf(received.From) is { IsRefused: false } peer) OnMessage(received.From, peer, received.Message);
                break;
            case StateSyncInput.Found found:
                foreach (var index in found.Chunks) missing.Remove(index);
                AskForChunks();
                break;
            case StateSyncInput.Installed installed:
                if (installed.Problem is null) Installed = manifest;
                End(installed.Problem ?? $"the state of height {manifest!.Height} is installed");
                break;
        }

        return outputs;
    }

    private void OnTick()
    {
        ticks++;
        switch (Phase)
        {
            case StateSyncPhase.Asking:
                if ((ticks - askingSince) % AskTicks == 1) outputs.Add(new StateSyncOutput.Broadcast(new SyncMessage.GetSnapshots()));
                Choose();
                break;
            case StateSyncPhase.Choosing when ticks - chosen!.Value.Since >= AnswerTicks:
                peers[chosen.Value.Peer].Offers = [];
                StartAgain();
                break;
            case StateSyncPhase.Fetching:
                foreach (var (index, (name, _)) in open.Where(request => ticks - request.Value.Since >= AnswerTicks).ToList()) Miss(index, name);
                AskForChunks();
                break;
        }
    }

    private void OnMessage(PeerId from, Peer peer, SyncMessage.Snapshot message)
    {
        switch (message)
        {
            case SyncMessage.Snapshots snapshots:
                peer.Offers = [.. snapshots.Items.Take(SyncMessage.MaxOffers)];
                firstAnswer ??= ticks;
                break;
            case SyncMessage.Manifest answer when Phase == StateSyncPhase.Choosing && chosen is { } choice && choice.Peer == from.Value && choice.Offer.Id == answer.Id:
                OnManifest(from, peer, answer.Bytes.Span);
                break;
            case SyncMessage.Chunk chunk when Phase == StateSyncPhase.Fetching && chunk.Id == chosen!.Value.Offer.Id && open.TryGetValue((int)chunk.Index, out var request) && request.Peer == from.Value:
                OnChunk(from, peer, (int)chunk.Index, chunk.Body);
                break;
        }
    }

    private void Choose()
    {
        if (firstAnswer is null)
        {
            if (ticks - askingSince >= SilentTicks) End("no other node answers");
            return;
        }

        if (ticks - firstAnswer < ChoiceTicks) return;
        var best = peers.Where(peer => !peer.Value.IsRefused)
            .SelectMany(peer => peer.Value.Offers.Select(offer => (Offer: offer, Name: peer.Key)))
            .Where(offered => offered.Offer.Height > height && offered.Offer.Height >= least)
            .GroupBy(offered => offered.Offer)
            .OrderByDescending(same => same.Key.Height).ThenByDescending(same => same.Count()).ThenBy(same => same.Key.Id)
            .FirstOrDefault();
        if (best is null)
        {
            End(attempts == 0 ? "no other node offers a snapshot that is far enough ahead" : "no snapshot is left that can be had");
            return;
        }

        if (++attempts > MaxAttempts)
        {
            End($"{MaxAttempts} snapshots could not be had");
            return;
        }

        var name = best.Select(offered => offered.Name).OrderBy(offered => peers[offered].AskedAt).First();
        peers[name].AskedAt = ticks;
        chosen = (best.Key, name, ticks);
        Phase = StateSyncPhase.Choosing;
        outputs.Add(new StateSyncOutput.Send(new PeerId(name), new SyncMessage.GetManifest(best.Key.Id)));
    }

    private void OnManifest(PeerId from, Peer peer, ReadOnlySpan<byte> bytes)
    {
        var offer = chosen!.Value.Offer;
        if (bytes.IsEmpty)
        {
            peer.Offers = [];
            StartAgain();
            return;
        }

        try
        {
            var read = SnapshotManifest.FromBytes(bytes);
            if (read.Id != offer.Id || read.Height != offer.Height) throw new SnapshotException($"its manifest is not that of the snapshot {offer.Id} of height {offer.Height} it offers");
            read.Verify(genesis);
            manifest = read;
        }
        catch (Exception e) when (e is MalformedException or SnapshotException)
        {
            Refuse(from, peer, $"the snapshot of height {offer.Height} it offers does not hold: {e.Message}");
            StartAgain();
            return;
        }

        Phase = StateSyncPhase.Fetching;
        missing.UnionWith(Enumerable.Range(0, manifest.Chunks.Count).Where(index => manifest.Chunks[index].Leaves > 0));
        outputs.Add(new StateSyncOutput.Begin(manifest));
    }

    private void OnChunk(PeerId from, Peer peer, int index, ReadOnlyMemory<byte> body)
    {
        Close(index, peer);
        if (body.IsEmpty)
        {
            peer.Offers = [];
            AskForChunks();
            return;
        }

        try
        {
            ChunkBody.Open(manifest!.Chunks, index, body.Span);
        }
        catch (SnapshotException e)
        {
            missing.Add(index);
            Refuse(from, peer, $"it sent a wrong chunk of the state of height {manifest!.Height}: {e.Message}");
            AskForChunks();
            return;
        }

        peer.Missed = 0;
        missing.Remove(index);
        outputs.Add(new StateSyncOutput.Keep(manifest, index, body.ToArray()));
        AskForChunks();
    }

    private void AskForChunks()
    {
        if (Phase != StateSyncPhase.Fetching) return;
        if (Missing == 0)
        {
            Phase = StateSyncPhase.Installing;
            outputs.Add(new StateSyncOutput.Install(manifest!));
            return;
        }

        var id = chosen!.Value.Offer.Id;
        var able = peers.Where(peer => !peer.Value.IsRefused && peer.Value.Offers.Any(offer => offer.Id == id)).ToList();
        if (able.Count == 0)
        {
            StartAgain();
            return;
        }

        while (missing.Count > 0 && open.Count < MaxOpen && able.Where(peer => peer.Value.Open < MaxOpenOfPeer).OrderBy(peer => peer.Value.Open).ThenBy(peer => peer.Value.AskedAt).FirstOrDefault() is { Value: { } peer, Key: var name })
        {
            var index = missing.Min;
            missing.Remove(index);
            open[index] = (name, ticks);
            peer.Open++;
            peer.AskedAt = ticks;
            outputs.Add(new StateSyncOutput.Send(new PeerId(name), new SyncMessage.GetChunk(id, (uint)index)));
        }
    }

    private void Miss(int index, string name)
    {
        var peer = peers[name];
        Close(index, peer);
        if (++peer.Missed >= MaxMissed) peer.Offers = [];
    }

    /// <summary>A request is no longer open; its chunk is missing still.</summary>
    private void Close(int index, Peer peer)
    {
        open.Remove(index);
        peer.Open--;
        missing.Add(index);
    }

    private void Refuse(PeerId from, Peer peer, string reason)
    {
        peer.IsRefused = true;
        peer.Offers = [];
        foreach (var index in open.Where(request => request.Value.Peer == from.Value).Select(request => request.Key).ToList()) Close(index, peer);
        outputs.Add(new StateSyncOutput.Blame(from, reason));
    }

    private void StartAgain()
    {
        foreach (var (index, (name, _)) in open.ToList()) Close(index, peers[name]);
        missing.Clear();
        manifest = null;
        chosen = null;
        firstAnswer = null;
        // Who was asked stays known, so that the next choice falls on another who offers the same.
        askingSince = ticks;
        foreach (var peer in peers.Values) peer.Missed = 0;
        Phase = StateSyncPhase.Asking;
    }

    private void End(string why)
    {
        Phase = StateSyncPhase.Ended;
        outputs.Add(new StateSyncOutput.End(why));
    }

    private Peer? PeerOf(PeerId id)
    {
        if (peers.TryGetValue(id.Value, out var peer)) return peer;
        if (peers.Count >= MaxPeers) return null;
        return peers[id.Value] = new Peer();
    }
}
