using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Cluster;

namespace Vivim.Actors.Supervision;

/// <summary>One thing for a watcher: an event of a node, or how many events of that node it has lost.</summary>
/// <param name="Event">Null where events were lost.</param>
public sealed record SupervisionItem(string Node, string Address, SupervisionEvent? Event, ulong Lost) : INoSerializationVerificationNeeded;

/// <summary>
/// Watches the supervision logs of all nodes of the cluster: asks each for what is new, twice a second, and at the pace at which the watcher takes
/// it. Nothing is kept for a slow watcher but a few pages: what the nodes' logs drop meanwhile it is told as lost. Events of one node come in
/// their order.
/// </summary>
public sealed class SupervisionFeed(ActorSystem system)
{
    private const int PagesAhead = 4;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);

    private readonly Cluster cluster = Cluster.Get(system);

    /// <summary>
    /// The newest events of all nodes in the order of their clocks, then what follows, until cancelled. A node that does not answer is watched from
    /// its first answer on; one that joins meanwhile from its start on.
    /// </summary>
    /// <param name="last">Events from before to begin with, over all nodes.</param>
    /// <param name="node">The name of the only node to watch; null for all.</param>
    public async IAsyncEnumerable<SupervisionItem> Watch(SupervisionFilter filter, int last, string? node, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var members = Members();
        var tails = await Task.WhenAll(members.Select(member => Ask(member, new ReadSupervisionTail(last, filter), cancellation)));
        var wanted = tails.OfType<SupervisionRead>().Where(read => node is null || read.Node == node);
        foreach (var item in wanted.SelectMany(Items).OrderBy(item => item.Event!.At).ThenBy(item => item.Node, StringComparer.Ordinal).TakeLast(last)) yield return item;

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var pages = Channel.CreateBounded<SupervisionRead>(PagesAhead);
        var readers = Enumerable.Range(0, members.Count).ToDictionary(i => members[i], i => Follow(members[i], tails[i], filter, pages.Writer, stop.Token));
        var joining = FollowJoining(readers, filter, pages.Writer, stop.Token);
        try
        {
            await foreach (var page in pages.Reader.ReadAllAsync(cancellation))
            {
                if (node is not null && page.Node != node) continue;
                foreach (var item in Items(page)) yield return item;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await joining;
        }
    }

    private static IEnumerable<SupervisionItem> Items(SupervisionRead page) =>
        [.. page.Lost > 0 ? [new SupervisionItem(page.Node, page.Address, null, page.Lost)] : (SupervisionItem[])[], .. page.Events.Select(e => new SupervisionItem(page.Node, page.Address, e, 0))];

    private IReadOnlyList<UniqueAddress> Members() => [.. cluster.State.Members.Where(member => member.Status is MemberStatus.Up or MemberStatus.WeaklyUp or MemberStatus.Leaving or MemberStatus.Exiting).Select(member => member.UniqueAddress)];

    /// <summary>Follows whoever joins, until cancelled; returns when nobody is followed any more.</summary>
    private async Task FollowJoining(Dictionary<UniqueAddress, Task> readers, SupervisionFilter filter, ChannelWriter<SupervisionRead> pages, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Poll, cancellation);
                foreach (var gone in readers.Where(reader => reader.Value.IsCompleted).Select(reader => reader.Key).ToList())
                {
                    await readers[gone];
                    readers.Remove(gone);
                }

                foreach (var joined in Members().Where(member => !readers.ContainsKey(member))) readers[joined] = Follow(joined, FromTheStart(joined), filter, pages, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(readers.Values);
        }
        catch (Exception e)
        {
            pages.TryComplete(e);
        }
    }

    private static SupervisionRead FromTheStart(UniqueAddress member) => new("", member.Address.ToString(), member.Uid, 0, 0, []);

    /// <summary>Passes on what is new on a member, until it is gone or the watch is cancelled.</summary>
    /// <param name="known">Its last answer; null where it has not answered yet.</param>
    private async Task Follow(UniqueAddress member, SupervisionRead? known, SupervisionFilter filter, ChannelWriter<SupervisionRead> pages, CancellationToken cancellation)
    {
        try
        {
            while (Members().Contains(member))
            {
                var read = await Ask(member, known is null ? new ReadSupervisionTail(0, filter) : new ReadSupervision(known.Incarnation, known.Next, filter), cancellation);
                if (read is { IsEmpty: false }) await pages.WriteAsync(read, cancellation);
                var isMore = read?.Events.Count == ReadSupervision.PageSize;
                known = read ?? known;
                if (!isMore) await Task.Delay(Poll, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The watcher has gone.
        }
    }

    /// <returns>Null when it does not answer in time.</returns>
    private async Task<SupervisionRead?> Ask(UniqueAddress member, object question, CancellationToken cancellation)
    {
        try
        {
            return await system.ActorSelection(new RootActorPath(member.Address) / "user" / SupervisionWatch.Name).Ask<SupervisionRead>(question, AnswerLimit, cancellation);
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }
}
