using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Chain.StateSync;
using Vivim.Chain.Sync;
using Vivim.Ledger;
using Vivim.Ledger.Snapshots;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Keys;

namespace Vivim.Benchmarks;

/// <summary>What `-- state-sync` prints.</summary>
/// <param name="Keys">Of the state.</param>
/// <param name="ChainBytes">Of chain.db, which the node that executes blocks has to get in essence.</param>
/// <param name="CutMs">Making the snapshot at the peer.</param>
/// <param name="SnapshotBytes">Of the chunks.</param>
/// <param name="StateSyncMs">From asking the first peer to the whole chain's tip and root, the choice among peers included (1 to 1.5 s of waiting).</param>
/// <param name="InstallMs">Of that, from the manifest to the installed state.</param>
/// <param name="BytesReceived">Of chunks that hold.</param>
/// <param name="Refused">The peers that were refused. One of three poisons every chunk.</param>
/// <param name="ReplayMs">A node that executes every block instead, in the same run, from the same peers.</param>
internal sealed record StateSyncReport(
    int People,
    long Edges,
    long Keys,
    ulong Height,
    long ChainBytes,
    double CutMs,
    int Chunks,
    long SnapshotBytes,
    double StateSyncMs,
    double InstallMs,
    long BytesReceived,
    IReadOnlyList<string> Refused,
    double ReplayMs,
    double Ratio,
    bool SameRoot,
    string StateRoot,
    int Cores);

/// <summary>
/// A fresh node gets the state of the real graph from three peers, one of which poisons what it sends; another one executes all blocks. Nodes are
/// ledgers and sync actors on SQLite files, in one process; every message goes as bytes.
/// </summary>
internal static class StateSyncBenchmark
{
    private const int BlocksAfter = 3;
    private const string Poisoner = "poisoner";
    private static readonly string[] Honest = ["first", "second"];
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    public static async Task<StateSyncReport> Run(string graphFile, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("vivim-bench-").FullName;
        try
        {
            using var source = GraphChain.Make(graphFile, Path.Combine(folder, "peer"));
            var snapshots = new SnapshotFolder(Path.Combine(folder, "snapshots"), keep: 2);
            var clock = Stopwatch.StartNew();
            var draft = snapshots.Cut(source.StateDatabase, source.Flush())!;
            var cut = clock.Elapsed.TotalMilliseconds;
            for (var i = 0; i < BlocksAfter; i++) source.Commit([]);
            snapshots.Complete(draft, source.Chain);
            var (keys, root) = (source.Ledger.KeyCount, source.Ledger.Tip.StateRoot);

            using var system = ActorSystem.Create("bench", ConfigurationFactory.ParseString("akka.loglevel = ERROR\nvivim-dispatchers.ledger.type = PinnedDispatcher"));
            var network = new Network();
            var peerLedger = LedgerOf(system, source.Ledger);
            foreach (var name in (string[])[.. Honest, Poisoner])
                Join(system, network, name, peerLedger, source.Reader, new StateSyncSettings(source.Genesis, false, 1, 1_000_000, 2, Path.Combine(folder, "snapshots"), Path.Combine(folder, name), source.StateDatabase)).Tell(new BeginStateSync());

            var (synced, status) = await Measure(system, network, source, Path.Combine(folder, "synced"), fetches: true, cancellation);
            var (replayed, _) = await Measure(system, network, source, Path.Combine(folder, "replayed"), fetches: false, cancellation);
            var result = status.Result ?? throw new InvalidOperationException($"no snapshot was taken: {status.Ended}");
            return new StateSyncReport(
                source.People, source.Edges, keys, source.Ledger.Tip.Height, new FileInfo(source.ChainDatabase).Length, Math.Round(cut), result.Chunks, draft.Chunks.Bytes,
                Math.Round(synced.Milliseconds), Math.Round(result.Took.TotalMilliseconds), result.Bytes, [.. status.Refused.Select(r => r.Peer.Value)],
                Math.Round(replayed.Milliseconds), Math.Round(replayed.Milliseconds / synced.Milliseconds, 1), synced.Root == root && replayed.Root == root, root.ToString(), Environment.ProcessorCount);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Starts a fresh node and waits until it has the tip.</summary>
    private static async Task<((double Milliseconds, Protocol.Hash256 Root), StateSyncStatus)> Measure(ActorSystem system, Network network, GraphChain source, string path, bool fetches, CancellationToken cancellation)
    {
        Directory.CreateDirectory(path);
        var (chainFile, stateFile) = (Path.Combine(path, "chain.db"), Path.Combine(path, "state.db"));
        using var chain = new SqliteChainStore(chainFile);
        using var values = new SqliteStateStore(stateFile);
        using var reader = new SqliteChainReader(chainFile);
        var ledger = LedgerOf(system, new NodeLedger(source.Genesis, chain, values, Ed25519Scheme.Instance));
        var stateSync = Join(system, network, Path.GetFileName(path), ledger, reader, new StateSyncSettings(source.Genesis, fetches, 1, 0, 2, Path.Combine(path, "snapshots"), Path.Combine(path, "state-sync"), stateFile));
        var clock = Stopwatch.StartNew();
        stateSync.Tell(new BeginStateSync());
        while (true)
        {
            var tip = await ledger.Read(l => l.Tip, cancellation);
            if (tip.Height == source.Ledger.Tip.Height)
            {
                var status = await stateSync.Ask<StateSyncStatus>(new ReadStateSync(), Limit, cancellation);
                var took = clock.Elapsed.TotalMilliseconds;
                network.Leave(Path.GetFileName(path));
                await ledger.GracefulStop(Limit);
                return ((took, tip.StateRoot), status);
            }

            if (clock.Elapsed > Limit) throw new TimeoutException($"it is at height {tip.Height} of {source.Ledger.Tip.Height}");
            await Task.Delay(10, cancellation);
        }
    }

    private static IActorRef LedgerOf(ActorSystem system, NodeLedger ledger) =>
        system.ActorOf(Props.Create(() => new LedgerActor(ledger, new VerifiedSignatures(), 0, 0)).WithDispatcher(LedgerActor.Dispatcher));

    /// <summary>A node's sync actors; returns that of the state.</summary>
    private static IActorRef Join(ActorSystem system, Network network, string name, IActorRef ledger, SqliteChainReader reader, StateSyncSettings settings)
    {
        var link = system.ActorOf(Props.Create(() => new Link(network, name)));
        var stateSync = system.ActorOf(Props.Create(() => new StateSyncActor(settings, ledger, reader, link, TimeProvider.System)));
        network.Join(name, system.ActorOf(Props.Create(() => new SyncActor(ledger, reader, link, stateSync))));
        return stateSync;
    }

    /// <summary>Who can be reached by which name.</summary>
    private sealed class Network
    {
        private readonly Lock gate = new();
        private readonly Dictionary<string, IActorRef> nodes = new(StringComparer.Ordinal);

        public void Join(string name, IActorRef sync)
        {
            lock (gate) nodes[name] = sync;
        }

        public void Leave(string name)
        {
            lock (gate)
            {
                if (nodes.Remove(name, out var sync)) sync.Tell(PoisonPill.Instance);
            }
        }

        public void Send(string from, SyncOutgoing outgoing)
        {
            var message = from == Poisoner && outgoing.Message is SyncMessage.Chunk chunk ? PoisoningPeer.Poisoned(chunk) : outgoing.Message;
            var received = new SyncReceived(new PeerId(from), SyncMessage.FromBytes(message.ToBytes()));
            lock (gate)
            {
                foreach (var (name, sync) in nodes)
                    if (name != from && (outgoing.To is null || outgoing.To.Value.Value == name)) sync.Tell(received);
            }
        }
    }

    private sealed class Link : ReceiveActor
    {
        public Link(Network network, string name)
        {
            Receive<SyncOutgoing>(outgoing => network.Send(name, outgoing));
            ReceiveAny(_ => { });
        }
    }
}
