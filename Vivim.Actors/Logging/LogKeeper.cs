using Akka.Actor;
using Akka.Cluster;

namespace Vivim.Actors.Logging;

/// <summary>Answers the nodes of the cluster for this node's <see cref="LogBook"/>.</summary>
public sealed class LogKeeper : ReceiveActor
{
    /// <summary>The actor's name under /user, by which other nodes find it.</summary>
    public const string Name = "log-keeper";

    private readonly Cluster cluster = Cluster.Get(Context.System);
    private readonly string node;

    /// <param name="node">The node's name; its address where it is null.</param>
    public LogKeeper(LogBook book, string? node)
    {
        this.node = node ?? cluster.SelfAddress.ToString();
        Receive<ReadLog>(read => Answer(book.Read(read.Incarnation == Incarnation ? read.After : 0, ReadLog.PageSize, read.Filter)));
        Receive<ReadLogTail>(tail => Answer(book.Tail(Math.Clamp(tail.Count, 0, ReadLogTail.MaxCount), tail.Filter)));
    }

    private int Incarnation => cluster.SelfUniqueAddress.Uid;

    private void Answer(RingPage<LogRecord> page) => Sender.Tell(new LogRead(node, Incarnation, page.Next, page.Lost, page.Entries));
}
