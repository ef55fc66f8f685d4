using System.Runtime.CompilerServices;
using Akka.Actor;

namespace Vivim.Actors.Logging;

/// <summary>One thing for a reader: a record of a node, or how many records of that node it has lost.</summary>
/// <param name="Record">Null where records were lost.</param>
public sealed record LogItem(string Node, LogRecord? Record, ulong Lost) : INoSerializationVerificationNeeded;

/// <summary>Reads the logs of all nodes of the cluster, as <see cref="NodeFeed{TPage}"/> does. Records of one node come in their order.</summary>
public sealed class LogFeed(ActorSystem system)
{
    /// <summary>The newest records of all nodes in the order of their clocks; with <paramref name="follow"/> then what comes, until cancelled.</summary>
    /// <param name="last">Records from before, over all nodes.</param>
    /// <param name="node">The name of the only node to read; null for all.</param>
    public async IAsyncEnumerable<LogItem> Tail(LogFilter filter, int last, string? node, bool follow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var feed = new NodeFeed<LogRead>(system, new NodeQuestions(LogKeeper.Name, count => new ReadLogTail(count, filter), (incarnation, after) => new ReadLog(incarnation, after, filter)));
        if (!follow)
        {
            foreach (var item in Newest(await feed.Tails(last, cancellation))) yield return item;
            yield break;
        }

        var isFirst = true;
        await foreach (var pages in feed.Follow(last, cancellation))
        {
            foreach (var item in isFirst ? Newest(pages) : Items(pages)) yield return item;
            isFirst = false;
        }

        IEnumerable<LogItem> Newest(IReadOnlyList<LogRead> pages) => Items(pages).OrderBy(item => item.Record!.At).ThenBy(item => item.Node, StringComparer.Ordinal).TakeLast(last);

        IEnumerable<LogItem> Items(IReadOnlyList<LogRead> pages) => pages.Where(page => node is null || page.Node == node).SelectMany(page =>
            (LogItem[])[.. page.Lost > 0 ? [new LogItem(page.Node, null, page.Lost)] : (LogItem[])[], .. page.Records.Select(record => new LogItem(page.Node, record, 0))]);
    }
}
