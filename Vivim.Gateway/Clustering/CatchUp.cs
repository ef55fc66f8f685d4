using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
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
    public static async Task Wait(ActorSystem system, IActorRef sync, CancellationToken cancellation)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        for (var polls = 0; cluster.State.Members.Any(member => member.Address != cluster.SelfAddress && member.Status == MemberStatus.Up); polls++)
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
}
