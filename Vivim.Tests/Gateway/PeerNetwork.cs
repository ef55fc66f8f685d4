using Akka.Actor;
using Akka.Cluster.Sharding;
using Vivim.Chain.Consensus;
using Vivim.Chain.Sync;
using Vivim.Gateway.Node;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Keys;

namespace Vivim.Tests.Gateway;

/// <summary>
/// Carries messages between nodes of different operators, as bytes: some get lost, some come twice or late, and links can be cut, each direction
/// by itself.
/// </summary>
internal sealed class PeerNetwork(int seed)
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMilliseconds(60);

    private readonly Lock gate = new();
    private readonly Random random = new(seed);
    private readonly Dictionary<int, (ActorSystem System, IReadOnlySet<PublicKey> Validators)> nodes = [];
    private readonly HashSet<(int From, int To)> cuts = [];
    private readonly HashSet<Vote> votes = [];

    /// <summary>Of a hundred messages.</summary>
    public int LossPercent { get; set; }

    /// <summary>Of a hundred messages.</summary>
    public int DuplicatePercent { get; set; }

    /// <summary>What becomes of a message of synchronisation, by its sender's number.</summary>
    public Func<int, SyncMessage, SyncMessage> Tamper { get; set; } = static (_, message) => message;

    /// <summary>Makes the node's actor for its peers.</summary>
    public IActorRef Join(int node, ActorSystem system, IReadOnlySet<PublicKey> validators)
    {
        lock (gate) nodes[node] = (system, validators);
        return system.ActorOf(Props.Create(() => new Link(this, node)), "peers");
    }

    public void Leave(int node)
    {
        lock (gate) nodes.Remove(node);
    }

    /// <summary>The steps for which a validator has sent two different votes.</summary>
    public IReadOnlyList<string> Contradictions()
    {
        lock (gate) return [.. votes.GroupBy(vote => (vote.Validator, vote.Height, vote.Round, vote.Type)).Where(said => said.Count() > 1).Select(said => $"{said.Key}")];
    }

    public void Cut(int from, int to)
    {
        lock (gate) cuts.Add((from, to));
    }

    public void Heal()
    {
        lock (gate) cuts.Clear();
    }

    private void Send(int from, int to, Action<ActorSystem, IReadOnlySet<PublicKey>> deliver)
    {
        lock (gate)
        {
            if (cuts.Contains((from, to)) || !nodes.TryGetValue(to, out var node)) return;
            if (random.Next(100) < LossPercent) return;
            var times = random.Next(100) < DuplicatePercent ? 2 : 1;
            for (var i = 0; i < times; i++)
            {
                // What is late is overtaken.
                var delay = random.Next(3) == 0 ? LongestDelay * random.NextDouble() : TimeSpan.Zero;
                if (delay == TimeSpan.Zero) deliver(node.System, node.Validators);
                else node.System.Scheduler.Advanced.ScheduleOnce(delay, () => deliver(node.System, node.Validators));
            }
        }
    }

    private List<int> Others(int node)
    {
        lock (gate) return [.. nodes.Keys.Where(other => other != node).Order()];
    }

    private void Record(ConsensusMessage message)
    {
        if (message is not ConsensusMessage.Voted { Vote: var vote }) return;
        lock (gate) votes.Add(vote);
    }

    private sealed class Link : ReceiveActor
    {
        public Link(PeerNetwork network, int node)
        {
            Receive<OutgoingMessage>(outgoing =>
            {
                network.Record(outgoing.Message);
                var bytes = outgoing.Message.ToBytes();
                foreach (var other in network.Others(node))
                {
                    network.Send(node, other, (system, validators) =>
                    {
                        foreach (var to in outgoing.To.Where(validators.Contains))
                            ClusterSharding.Get(system).ShardRegion(ValidatorDelivery.Region).Tell(new DeliverMessage(to, outgoing.From, ConsensusMessage.FromBytes(bytes)), ActorRefs.NoSender);
                    });
                }
            });
            Receive<SyncOutgoing>(outgoing =>
            {
                var bytes = network.Tamper(node, outgoing.Message).ToBytes();
                foreach (var other in outgoing.To is { } to ? [int.Parse(to.Value)] : network.Others(node))
                    network.Send(node, other, (system, _) => system.ActorSelection($"/user/{SyncActor.Name}").Tell(new SyncReceived(new PeerId(node.ToString()), SyncMessage.FromBytes(bytes))));
            });
        }
    }
}
