using System.Diagnostics.Metrics;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Vivim.Chain.Pool;
using Vivim.Gateway.Node;
using Vivim.Ledger.Backups;
using Vivim.Protocol;

namespace Vivim.Gateway.Metrics;

/// <summary>
/// What a node tells of itself at /metrics. Commits are counted as they happen; everything else is read when somebody asks, so that a node
/// nobody watches does nothing for it.
/// </summary>
internal sealed class NodeMetrics : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string Name = "Vivim";

    private static readonly TimeSpan PoolLimit = TimeSpan.FromSeconds(2);

    private readonly Meter meter = new(Name);
    private readonly CommitInstruments commits;
    private readonly ConsensusInstruments consensus;
    private readonly WorkerInstruments workers;
    private volatile RunningNode? node;
    private long? poolPending;

    public NodeMetrics(TimeProvider clock)
    {
        commits = new CommitInstruments(meter, clock);
        consensus = new ConsensusInstruments(meter);
        workers = new WorkerInstruments(meter);
        meter.CreateObservableGauge("vivim.committed.height", () => Of(running => (long)running.Heights.Current), description: "Height of the last block committed on this node");
        meter.CreateObservableGauge("vivim.pool.pending", () => Some(poolPending), "transactions", "Transactions that wait in the pool partitions on this node; the sum over the nodes is the pool");
        meter.CreateObservableGauge("vivim.backup.age", () => Backup((backups, newest) => backups.Age(newest).TotalSeconds), "s", "Age of the newest backup of this node; without any, time since the node started");
        meter.CreateObservableGauge("vivim.backup.size", () => Backup((_, newest) => newest?.Size ?? 0), "By", "Bytes of the newest backup of this node; 0 without any");
        meter.CreateObservableCounter("vivim.supervision.events", SupervisionEvents, description: "Supervision events of this node since it started, by kind");
        meter.CreateObservableGauge("vivim.cluster.members", Members, description: "Members of the cluster by status, as this node sees them");
        meter.CreateObservableGauge("vivim.mailbox.depth", Mailboxes, "messages", "Messages in the fullest mailbox of each kind of actor on this node, what is stashed not counted");
        meter.CreateObservableGauge("vivim.commit.waiting", () => Of(running => (long)running.Accepted.Count), "transactions", "Transactions that this node has taken, whose commit it waits for to measure it");
        meter.CreateObservableGauge("vivim.cluster.unreachable", () => Of(running => (long)State(running).Unreachable.Count), "members", "Members this node or others cannot reach");
    }

    /// <summary>Tells of this node from now on.</summary>
    public void Watch(RunningNode running)
    {
        running.System.ActorOf(Props.Create(() => new CommitMeter(commits, consensus, running.Accepted)), "commit-meter");
        running.System.ActorOf(Props.Create(() => new WorkerMeter(workers)), "worker-meter");
        node = running;
    }

    /// <summary>Asks the pool partitions of this node; where one does not answer in time the figure is left out, rather than an old one told.</summary>
    public async Task CountPool()
    {
        poolPending = null;
        if (node is not { } running) return;
        try
        {
            var region = await running.Pool.Ask<CurrentShardRegionState>(GetShardRegionState.Instance, PoolLimit);
            var partitions = region.Shards.SelectMany(shard => shard.EntityIds).Select(int.Parse);
            var counts = await Task.WhenAll(partitions.Select(partition => running.Pool.Ask<PendingCount>(new CountPending(partition), PoolLimit)));
            poolPending = counts.Sum(count => count.Count);
        }
        catch (AskTimeoutException)
        {
            // Left out, as said.
        }
    }

    public void Dispose() => meter.Dispose();

    private static Akka.Cluster.ClusterEvent.CurrentClusterState State(RunningNode running) => Akka.Cluster.Cluster.Get(running.System).State;

    private IEnumerable<Measurement<long>> Members() => node is { } running
        ? State(running).Members.CountBy(member => member.Status).Select(status => new Measurement<long>(status.Value, Label("status", status.Key.ToString().ToLowerInvariant())))
        : [];

    private IEnumerable<Measurement<long>> Mailboxes() => node is { } running
        ? MailboxDepths.Read(running.System).Select(depth => new Measurement<long>(depth.Value, Label("actor", depth.Key)))
        : [];

    private IEnumerable<Measurement<long>> SupervisionEvents() => node is { } running
        ? running.SupervisionTally.Read().Select(tally => new Measurement<long>(tally.Count, Label("kind", KebabCase.Of(tally.Kind.ToString()))))
        : [];

    private IEnumerable<Measurement<T>> Backup<T>(Func<NodeBackups, BackupManifest?, T> read)
        where T : struct
    {
        if (node?.Backups is not { } backups) return [];
        try
        {
            return [new Measurement<T>(read(backups, backups.Newest()))];
        }
        catch (BackupException)
        {
            // The worker's health says why its directory cannot be read.
            return [];
        }
    }

    private IEnumerable<Measurement<long>> Of(Func<RunningNode, long> read) => Some(node is { } running ? read(running) : null);

    private static IEnumerable<Measurement<long>> Some(long? value) => value is { } known ? [new Measurement<long>(known)] : [];

    private static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);
}
