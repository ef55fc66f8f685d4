using FsCheck.Xunit;
using Vivim.Chain.StateSync;
using Vivim.Chain.Sync;
using Vivim.Ledger.Snapshots;

using Vivim.Protocol.Consensus;

namespace Vivim.Tests.StateSync;

/// <summary>The core among peers that answer rightly, wrongly, late or not at all.</summary>
public sealed class StateSyncCoreTests : IDisposable
{
    private readonly SnapshotSource source = new(seed: 5, height: 12);
    private readonly Dictionary<string, Func<SyncMessage.Snapshot, SyncMessage.Snapshot?>> peers = new(StringComparer.Ordinal);
    private readonly Dictionary<int, byte[]> kept = [];
    private readonly List<RefusedPeer> refused = [];
    private readonly Dictionary<string, int> asked = [];
    private IReadOnlyList<int> found = [];
    private string? ended;
    private SnapshotManifest? installed;

    public void Dispose() => source.Dispose();

    [Fact]
    public void Chunks_come_from_all_that_offer_the_snapshot()
    {
        foreach (var name in new[] { "a", "b", "c" }) peers[name] = Honest;
        Run(new StateSyncCore(source.Genesis, 0, 1));
        AssertInstalled();
        Assert.Empty(refused);
        Assert.All(peers.Keys, name => Assert.InRange(asked.GetValueOrDefault(name), 1, int.MaxValue));
    }

    [Property(MaxTest = 60)]
    public void Whatever_peers_send_the_right_state_is_installed_or_none_and_only_liars_are_refused(int seed)
    {
        var random = new System.Random(seed);
        using var own = new StateSyncCoreTests();
        own.RunAmong(random);
    }

    [Fact]
    public void Who_sends_a_poisoned_chunk_is_named_and_asked_for_nothing_more_and_another_sends_it()
    {
        peers["honest"] = Honest;
        peers["poisoner"] = message => Honest(message) is SyncMessage.Chunk chunk ? chunk with { Body = Flipped(chunk.Body, 20) } : Honest(message);
        Run(new StateSyncCore(source.Genesis, 0, 1));
        AssertInstalled();
        Assert.Equal("poisoner", Assert.Single(refused).Peer.Value);
        Assert.Contains("wrong chunk", refused[0].Reason, StringComparison.Ordinal);
        Assert.InRange(asked["poisoner"], 1, StateSyncCore.MaxOpenOfPeer);
    }

    [Fact]
    public void Who_offers_a_snapshot_that_the_genesis_does_not_lead_to_is_named_and_the_next_best_is_taken()
    {
        using var forged = new SnapshotSource(seed: 9, height: 13);
        peers["honest"] = Honest;
        peers["forger"] = message => message switch
        {
            SyncMessage.GetSnapshots => new SyncMessage.Snapshots([new SnapshotOffer(14, forged.Offer.Id)]),
            SyncMessage.GetManifest get => new SyncMessage.Manifest(get.Id, forged.Folder.ReadManifest(forged.Offer.Id)),
            _ => null,
        };
        Run(new StateSyncCore(source.Genesis, 0, 1));
        AssertInstalled();
        Assert.Equal("forger", Assert.Single(refused).Peer.Value);
    }

    [Fact]
    public void Silence_refusals_and_snapshots_that_are_gone_end_it_or_another_peer_does_it()
    {
        peers["silent"] = message => message is SyncMessage.GetSnapshots ? Honest(message) : null;
        peers["forgetful"] = message => message switch
        {
            SyncMessage.GetSnapshots => Honest(message),
            SyncMessage.GetManifest get => new SyncMessage.Manifest(get.Id, default),
            SyncMessage.GetChunk get => new SyncMessage.Chunk(get.Id, get.Index, default),
            _ => null,
        };
        Run(new StateSyncCore(source.Genesis, 0, 1));
        Assert.Null(installed);
        Assert.NotNull(ended);
        peers["zealous"] = Honest;
        Run(new StateSyncCore(source.Genesis, 0, 1));
        AssertInstalled();
        Assert.Empty(refused);
    }

    [Theory]
    [InlineData(0, 13)]
    [InlineData(12, 1)]
    public void What_is_near_is_left_to_blocks(ulong height, ulong least)
    {
        peers["honest"] = Honest;
        Run(new StateSyncCore(source.Genesis, height, least));
        Assert.Null(installed);
        Assert.Contains("far enough", ended, StringComparison.Ordinal);
        Assert.Empty(asked);
    }

    [Fact]
    public void Without_others_blocks_must_do()
    {
        Run(new StateSyncCore(source.Genesis, 0, 1));
        Assert.Contains("no other node answers", ended, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_here_from_before_is_not_asked_for_again_and_what_is_damaged_is()
    {
        using var folder = new TemporaryFolder();
        var staging = new ChunkStaging(folder.PathOf("staging"));
        var chunks = source.Manifest.Chunks;
        var full = Enumerable.Range(0, chunks.Count).Where(i => chunks[i].Leaves > 0).ToList();
        foreach (var index in full.SkipLast(1)) staging.Save(chunks, index, source.Chunk(index));
        staging.Save(chunks, full[0], [.. Flipped(source.Chunk(full[0]), 3).Span]);
        found = staging.Find(chunks);
        Assert.Equal(full[1..^1], found);
        peers["honest"] = Honest;
        Run(new StateSyncCore(source.Genesis, 0, 1));
        Assert.Equal(2, asked["honest"]);
        foreach (var (index, body) in kept) staging.Save(chunks, index, body);
        Assert.Equal(source.Rows().Count(), staging.Rows(chunks).Count());
        Assert.NotNull(installed);
    }

    private static ReadOnlyMemory<byte> Flipped(ReadOnlyMemory<byte> body, int at)
    {
        var bytes = body.ToArray();
        bytes[at % bytes.Length] ^= 1;
        return bytes;
    }

    private void RunAmong(System.Random random)
    {
        var liars = new HashSet<string>();
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            var name = $"peer {i}";
            var chance = random.Next(3) * 30;
            peers[name] = message =>
            {
                var answer = Honest(message);
                if (answer is null || random.Next(100) >= chance) return answer;
                var bytes = Mutation.Of(answer.ToBytes(), random);
                try
                {
                    var lie = SyncMessage.FromBytes(bytes) as SyncMessage.Snapshot;
                    if (lie is not null) liars.Add(name);
                    return lie;
                }
                catch (Vivim.Protocol.Encoding.MalformedException)
                {
                    return null;
                }
            };
        }

        Run(new StateSyncCore(source.Genesis, 0, 1));
        Assert.NotNull(ended);
        Assert.Subset(liars, refused.Select(r => r.Peer.Value).ToHashSet());
        if (installed is null) return;
        Assert.Equal(source.Manifest.StateRoot, installed.StateRoot);
        Assert.All(kept, chunk => ChunkBody.Open(installed.Chunks, chunk.Key, chunk.Value));
        if (liars.Count < peers.Count && refused.Count == 0) AssertInstalled();
    }

    private void AssertInstalled()
    {
        Assert.Equal(source.Manifest.Id, installed?.Id);
        Assert.Equal(Enumerable.Range(0, source.Manifest.Chunks.Count).Where(i => source.Manifest.Chunks[i].Leaves > 0).Except(found).Order(), kept.Keys.Order());
        Assert.All(kept, chunk => Assert.Equal(source.Chunk(chunk.Key), chunk.Value));
    }

    private SyncMessage.Snapshot? Honest(SyncMessage.Snapshot message) => message switch
    {
        SyncMessage.GetSnapshots => new SyncMessage.Snapshots(source.Folder.Offers),
        SyncMessage.GetManifest get => new SyncMessage.Manifest(get.Id, source.Folder.ReadManifest(get.Id)),
        SyncMessage.GetChunk get => new SyncMessage.Chunk(get.Id, get.Index, source.Folder.ReadChunk(get.Id, (int)get.Index, out _)),
        _ => null,
    };

    /// <summary>Ticks until it ends, each time with everything answered that was asked.</summary>
    private void Run(StateSyncCore core)
    {
        ended = null;
        var waiting = new Queue<StateSyncInput>();
        for (var tick = 0; tick < 1_000 && ended is null; tick++)
        {
            waiting.Enqueue(new StateSyncInput.Tick());
            while (waiting.TryDequeue(out var input))
                foreach (var output in core.Apply(input)) Do(output, waiting);
        }
    }

    private void Do(StateSyncOutput output, Queue<StateSyncInput> waiting)
    {
        switch (output)
        {
            case StateSyncOutput.Broadcast broadcast:
                foreach (var name in peers.Keys) Ask(name, broadcast.Message, waiting);
                break;
            case StateSyncOutput.Send send:
                Assert.DoesNotContain(refused, r => r.Peer == send.To);
                if (send.Message is SyncMessage.GetChunk) asked[send.To.Value] = asked.GetValueOrDefault(send.To.Value) + 1;
                Ask(send.To.Value, send.Message, waiting);
                break;
            case StateSyncOutput.Begin begin:
                begin.Manifest.Verify(source.Genesis);
                kept.Clear();
                waiting.Enqueue(new StateSyncInput.Found(found));
                break;
            case StateSyncOutput.Keep keep:
                kept[keep.Index] = keep.Body;
                break;
            case StateSyncOutput.Install install:
                installed = install.Manifest;
                waiting.Enqueue(new StateSyncInput.Installed(null));
                break;
            case StateSyncOutput.Blame blame:
                refused.Add(new RefusedPeer(blame.Peer, blame.Reason));
                break;
            case StateSyncOutput.End end:
                ended = end.Why;
                break;
        }
    }

    private void Ask(string name, SyncMessage.Snapshot message, Queue<StateSyncInput> waiting)
    {
        if (peers[name](message) is { } answer) waiting.Enqueue(new StateSyncInput.Received(new PeerId(name), (SyncMessage.Snapshot)SyncMessage.FromBytes(answer.ToBytes())));
    }
}
