using System.Runtime.CompilerServices;
using Akka.Actor;

namespace Vivim.Actors.Supervision;

/// <summary>One thing for a watcher: an event of a node, or how many events of that node it has lost.</summary>
/// <param name="Event">Null where events were lost.</param>
public sealed record SupervisionItem(string Node, string Address, SupervisionEvent? Event, ulong Lost) : INoSerializationVerificationNeeded;

/// <summary>Watches the supervision logs of all nodes of the cluster, as <see cref="NodeFeed{TPage}"/> reads them. Events of one node come in their order.</summary>
public sealed class SupervisionFeed(ActorSystem system)
{
    /// <summary>
    /// The newest events of all nodes in the order of their clocks, then what follows, until cancelled. A node that does not answer is watched from
    /// its first answer on; one that joins meanwhile from its start on.
    /// </summary>
    /// <param name="last">Events from before to begin with, over all nodes.</param>
    /// <param name="node">The name of the only node to watch; null for all.</param>
    public async IAsyncEnumerable<SupervisionItem> Watch(SupervisionFilter filter, int last, string? node, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var questions = new NodeQuestions(SupervisionWatch.Name, count => new ReadSupervisionTail(count, filter), (incarnation, after) => new ReadSupervision(incarnation, after, filter));
        var isFirst = true;
        await foreach (var pages in new NodeFeed<SupervisionRead>(system, questions).Follow(last, cancellation))
        {
            var items = pages.Where(page => node is null || page.Node == node).SelectMany(Items);
            if (isFirst) items = items.OrderBy(item => item.Event!.At).ThenBy(item => item.Node, StringComparer.Ordinal).TakeLast(last);
            isFirst = false;
            foreach (var item in items) yield return item;
        }
    }

    private static IEnumerable<SupervisionItem> Items(SupervisionRead page) =>
        [.. page.Lost > 0 ? [new SupervisionItem(page.Node, page.Address, null, page.Lost)] : (SupervisionItem[])[], .. page.Events.Select(e => new SupervisionItem(page.Node, page.Address, e, 0))];
}
