using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Vivim.Chain.Sync;
using Vivim.Ledger.Snapshots;
using Vivim.Protocol.Consensus;

namespace Vivim.Benchmarks;

/// <summary>
/// A member of a cluster of real nodes that runs another program: it offers the snapshots that another member has, sends their manifests as they are,
/// and changes a byte of every chunk it sends. Its own process, as the node that asks it has its own.
/// </summary>
internal sealed class PoisoningPeer : IAsyncDisposable
{
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(30);

    private readonly ActorSystem system;
    private readonly Count sent;

    private PoisoningPeer(ActorSystem system, Count sent)
    {
        this.system = system;
        this.sent = sent;
    }

    /// <summary>By which other members know it.</summary>
    public string Address => Cluster.Get(system).SelfAddress.ToString();

    /// <summary>Poisoned chunks sent so far.</summary>
    public int Sent => sent.Value;

    /// <summary>Joins.</summary>
    /// <param name="seed">The remoting address of a member.</param>
    /// <param name="snapshots">A copy of another member's folder.</param>
    public static async Task<PoisoningPeer> JoinAsync(string seed, string snapshots, CancellationToken cancellation)
    {
        var chunks = new Count();
        // As the nodes' own: what they do not name must not be sent, and chunks are long.
        var member = ActorSystem.Create("vivim", ConfigurationFactory.ParseString("""
            akka {
              stdout-loglevel = OFF
              loglevel = OFF
              actor {
                provider = cluster
                serializers.chain = "Vivim.Chain.ChainSerializer, Vivim.Chain"
                serialization-bindings { "System.Object" = chain }
              }
              remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0, maximum-frame-size = 24 MiB, send-buffer-size = 1 MiB, receive-buffer-size = 1 MiB }
              cluster { roles = ["poisoner"], downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster" }
            }
            """));
        var folder = new SnapshotFolder(snapshots, keep: SyncMessage.MaxOffers);
        var peers = member.ActorOf(Props.Create(() => new ClusterPeers()));
        member.ActorOf(Props.Create(() => new Server(folder, peers, chunks)), SyncActor.Name);
        await Cluster.Get(member).JoinAsync(Akka.Actor.Address.Parse(seed), cancellation);
        return new PoisoningPeer(member, chunks);
    }

    /// <summary>The chunk with one bit of its body changed; as it is where it has none.</summary>
    public static SyncMessage.Chunk Poisoned(SyncMessage.Chunk chunk)
    {
        var body = chunk.Body.ToArray();
        if (body.Length > 0) body[body.Length / 2] ^= 1;
        return chunk with { Body = body };
    }

    public async ValueTask DisposeAsync()
    {
        await Cluster.Get(system).LeaveAsync().WaitAsync(LeaveLimit);
        await system.Terminate();
    }

    private sealed class Count
    {
        private int value;

        public int Value => Volatile.Read(ref value);

        public void Add() => Interlocked.Increment(ref value);
    }

    private sealed class Server : ReceiveActor
    {
        public Server(SnapshotFolder folder, IActorRef peers, Count sent)
        {
            Receive<SyncReceived>(received =>
            {
                SyncMessage.Snapshot? answer = received.Message switch
                {
                    SyncMessage.GetSnapshots => new SyncMessage.Snapshots(folder.Offers),
                    SyncMessage.GetManifest get => new SyncMessage.Manifest(get.Id, folder.ReadManifest(get.Id)),
                    SyncMessage.GetChunk get => Poisoned(new SyncMessage.Chunk(get.Id, get.Index, folder.ReadChunk(get.Id, (int)get.Index, out _))),
                    _ => null,
                };
                if (answer is SyncMessage.Chunk) sent.Add();
                if (answer is not null) peers.Tell(new SyncOutgoing(received.From, answer));
            });
        }
    }
}
