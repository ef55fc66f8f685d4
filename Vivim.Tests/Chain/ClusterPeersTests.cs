using Akka.Actor;
using Akka.Cluster;
using Akka.TestKit.Xunit2;
using Vivim.Chain.Consensus;
using Vivim.Chain.Sync;
using Vivim.Protocol.Consensus;
using Vivim.Tests.Actors;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Chain;

/// <summary>Two members of a cluster that waits for a third, so that none is up.</summary>
[Collection(ActorTests.Collection)]
public sealed class ClusterPeersTests() : TestKit(Settings)
{
    private const string Settings = """
        akka {
          loglevel = OFF
          stdout-loglevel = OFF
          actor {
            provider = cluster
            serializers.chain = "Vivim.Chain.ChainSerializer, Vivim.Chain"
            serialization-bindings { "System.Object" = chain }
          }
          remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
          cluster.min-nr-of-members = 3
        }
        """;

    [Fact]
    public async Task A_node_that_asks_is_answered_before_the_other_has_heard_that_it_is_up()
    {
        var own = Cluster.Get(Sys);
        using var other = ActorSystem.Create(Sys.Name, Settings);
        var asking = Cluster.Get(other);
        var heard = new TaskCompletionSource<SyncReceived>(TaskCreationOptions.RunContinuationsAsynchronously);
        other.ActorOf(Props.Create(() => new Listener(heard)), SyncActor.Name);
        own.Join(own.SelfAddress);
        asking.Join(own.SelfAddress);
        await Eventually.Async(() => Task.FromResult(own.State.Members.Count == 2));
        Assert.All(own.State.Members, member => Assert.Equal(MemberStatus.Joining, member.Status));

        var peers = Sys.ActorOf(Props.Create(() => new ClusterPeers()));
        // Who is not up is told nothing unasked: the answer is the first that comes.
        peers.Tell(new SyncOutgoing(null, new SyncMessage.GetSnapshots()));
        peers.Tell(new SyncOutgoing(new PeerId(asking.SelfAddress.ToString()), new SyncMessage.Snapshots([])));
        var received = await heard.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.IsType<SyncMessage.Snapshots>(received.Message);
        Assert.Equal(own.SelfAddress.ToString(), received.From.Value);
        await other.Terminate();
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(TaskCompletionSource<SyncReceived> heard) => Receive<SyncReceived>(received => heard.TrySetResult(received));
    }
}
