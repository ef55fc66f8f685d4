using Vivim.Ledger.Execution;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Chain.Sync;

/// <summary>
/// Brings a node that is behind up to its peers: asks one after another for the blocks it lacks, and has each executed only when its certificate
/// is signed by a quorum of the validators that its own chain names for that height. A deterministic core (docs/spec/consensus.md).
/// </summary>
public sealed class SyncCore(ISignatureScheme scheme)
{
    /// <summary>How often <see cref="SyncInput.Tick"/> is to be fed.</summary>
    public static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>Peers remembered; further ones are answered, but not asked.</summary>
    private const int MaxPeers = 256;

    /// <summary>Ticks until an unanswered request goes to another peer.</summary>
    private const int AnswerTicks = 6;

    /// <summary>Ticks for which a peer that sent something wrong is not asked.</summary>
    private const int BlameTicks = 600;

    /// <summary>Requests of one peer answered in a tick.</summary>
    private const int MaxServed = 16;

    /// <summary>Ticks over which the pace is measured.</summary>
    private const int PaceTicks = 20;

    private readonly SortedDictionary<string, Peer> peers = new(StringComparer.Ordinal);
    private readonly Queue<CertifiedBlock> received = new();
    private readonly Queue<ulong> heights = new();
    private List<SyncOutput> outputs = [];
    private ChainTip? tip;
    private Request? request;
    private PeerId sender;
    private ulong committing;
    private ulong behindAt;
    private int ticks;
    private bool isHeld;

    /// <summary>Blocks in memory.</summary>
    public int HeldItems => received.Count;

    /// <summary>Where the node is among its peers.</summary>
    public SyncProgress Progress
    {
        get
        {
            var height = tip?.Height ?? 0;
            var network = peers.Values.Select(peer => peer.Height).Append(height).Max();
            // One block is always about to come by consensus.
            if (tip is not null && network <= height + 1) return new SyncProgress(height, network, peers.Count, TimeSpan.Zero);
            var gained = heights.Count > 1 ? height - heights.Peek() : 0;
            return new SyncProgress(height, network, peers.Count, gained == 0 ? null : TickInterval * ((double)(network - height) * (heights.Count - 1) / gained));
        }
    }

    private sealed class Peer
    {
        public ulong Height { get; set; }

        public int AskedAt { get; set; }

        public int BlamedUntil { get; set; }

        public int Served { get; set; }
    }

    private sealed record Request(PeerId Peer, ulong From, int Since);

    /// <summary>Takes one input and tells what must be done, in order.</summary>
    public IReadOnlyList<SyncOutput> Apply(SyncInput input)
    {
        outputs = [];
        switch (input)
        {
            case SyncInput.TipReached reached:
                OnTip(reached.Tip);
                break;
            case SyncInput.Received { Message: SyncMessage.Tip message } from:
                if (PeerOf(from.From) is { } peer) peer.Height = message.Height;
                // One block is about to come by consensus; more are missing.
                if (tip is not null && message.Height > tip.Height + 1) Ask();
                break;
            case SyncInput.Received { Message: SyncMessage.GetBlocks get } from:
                Serve(from.From, get.From);
                break;
            case SyncInput.Received { Message: SyncMessage.Blocks blocks } from:
                OnBlocks(from.From, blocks.Items);
                break;
            case SyncInput.Tick:
                OnTick();
                break;
            case SyncInput.Hold hold:
                isHeld = hold.IsHeld;
                break;
        }

        return outputs;
    }

    private void OnTip(ChainTip reached)
    {
        if (tip is not null && reached.Height <= tip.Height) return;
        tip = reached;
        Advance();
        if (received.Count == 0 && peers.Values.Any(peer => peer.Height > reached.Height + 1)) Ask();
    }

    private void OnTick()
    {
        ticks++;
        foreach (var peer in peers.Values) peer.Served = 0;
        if (tip is null) return;
        heights.Enqueue(tip.Height);
        if (heights.Count > PaceTicks) heights.Dequeue();
        outputs.Add(new SyncOutput.Broadcast(new SyncMessage.Tip(tip.Height)));
        if (request is { } open && ticks - open.Since >= AnswerTicks) request = null;
        // Behind at two ticks with no progress between: consensus alone does not bring the next block.
        if (behindAt == tip.Height + 1 && peers.Values.Any(peer => peer.Height > tip.Height)) Ask();
        behindAt = tip.Height + 1;
    }

    /// <summary>Asks whoever was asked longest ago of those that have the next block.</summary>
    private void Ask()
    {
        if (isHeld || request is not null || received.Count > 0 || committing > tip!.Height) return;
        var able = peers.Where(peer => peer.Value.Height > tip.Height && peer.Value.BlamedUntil <= ticks).OrderBy(peer => peer.Value.AskedAt).ToList();
        if (able.Count == 0) return;
        var (name, state) = able[0];
        state.AskedAt = ticks;
        request = new Request(new PeerId(name), tip.Height + 1, ticks);
        outputs.Add(new SyncOutput.Send(request.Peer, new SyncMessage.GetBlocks(request.From)));
    }

    private void Serve(PeerId to, ulong from)
    {
        if (tip is null || from == 0 || from > tip.Height || PeerOf(to) is not { } peer || peer.Served >= MaxServed) return;
        peer.Served++;
        outputs.Add(new SyncOutput.Serve(to, from));
    }

    private void OnBlocks(PeerId from, IReadOnlyList<CertifiedBlock> items)
    {
        if (request is not { } open || open.Peer != from) return;
        request = null;
        sender = from;
        // It does not have what it said, or no longer: the next tick asks another.
        if (items.Count == 0 && PeerOf(from) is { } peer) peer.Height = 0;
        foreach (var item in items.Take(SyncMessage.MaxBlocks)) received.Enqueue(item);
        Advance();
    }

    /// <summary>Has the next block executed, if it is here and proven final.</summary>
    private void Advance()
    {
        while (received.TryPeek(out var next) && next.Block.Header.Height <= tip!.Height) received.Dequeue();
        if (received.Count == 0 || committing > tip!.Height) return;
        var block = received.Peek();
        if (Problem(block, tip) is { } problem)
        {
            received.Clear();
            if (PeerOf(sender) is { } peer) peer.BlamedUntil = ticks + BlameTicks;
            outputs.Add(new SyncOutput.Blame(sender, problem));
            Ask();
            return;
        }

        committing = block.Block.Header.Height;
        outputs.Add(new SyncOutput.Commit(block));
    }

    private string? Problem(CertifiedBlock item, ChainTip parent)
    {
        var (block, certificate) = item;
        if (block.Header.Height != parent.Height + 1) return $"it sent height {block.Header.Height}, asked for was {parent.Height + 1}";
        if (certificate.Height != block.Header.Height || certificate.BlockId != block.Id) return $"the certificate it sent with height {block.Header.Height} is for another block";
        return certificate.Verify(parent.ChainId, parent.Validators, scheme) ?? block.BodyProblem();
    }

    private Peer? PeerOf(PeerId id)
    {
        if (peers.TryGetValue(id.Value, out var peer)) return peer;
        if (peers.Count >= MaxPeers) return null;
        return peers[id.Value] = new Peer();
    }
}
