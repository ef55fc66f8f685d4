using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Vivim.Chain.StateSync;
using Vivim.Chain.Sync;

namespace Vivim.Gateway.Clustering;

/// <summary>Waits until a node that has joined others has their chain.</summary>
internal static class CatchUp
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AskLimit = TimeSpan.FromSeconds(20);

    /// <summary>Polls without hearing of any other node's chain after which there is nothing to wait for.</summary>
    private const int SilentPolls = 40;

    private const int LogPolls = 40;

    /// <summary>Returns when the node's chain is as long as the others', give or take a block; at once where there are no others.</summary>
    /// <param name="hasPeers">There are nodes beyond the cluster to wait for.</param>
    public static async Task Wait(ActorSystem system, IActorRef sync, IActorRef stateSync, bool hasPeers, CancellationToken cancellation)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        StateSyncStatus? status = null;
        for (var polls = 1; hasPeers || HasOthers(cluster); polls++)
        {
            status = await stateSync.Ask<StateSyncStatus>(new ReadStateSync(), AskLimit, cancellation);
            if (status.Ended is not null) break;
            if (polls % LogPolls == 0) system.Log.Warning("getting a snapshot of the state: {0}, {1} chunks to come", status.Phase, status.Missing);
            await Task.Delay(Poll, cancellation);
        }

        // After a snapshot the last blocks are missing, wherever it came from: a validator must not begin below what it has signed.
        for (var polls = 0; status?.Result is not null || HasOthers(cluster); polls++)
        {
            var progress = await sync.Ask<SyncProgress>(new ReadSyncProgress(), AskLimit, cancellation);
            if (progress.Peers > 0 && progress.Remaining == TimeSpan.Zero) return;
            if (progress.Peers == 0 && polls >= SilentPolls)
            {
                system.Log.Warning("no other node of the cluster tells the height of its chain: going on without");
                return;
            }

            if (polls % LogPolls == LogPolls - 1) system.Log.Warning("catching up: this node is at height {0} of {1}, {2}", progress.Height, progress.NetworkHeight, progress.Remaining is { } remaining ? $"about {remaining.TotalSeconds:N0} s to go" : "no pace yet");
            await Task.Delay(Poll, cancellation);
        }
    }

    private static bool HasOthers(Akka.Cluster.Cluster cluster) => cluster.State.Members.Any(member => member.Address != cluster.SelfAddress && member.Status == MemberStatus.Up);
}
