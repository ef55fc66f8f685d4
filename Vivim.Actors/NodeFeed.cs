using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Cluster;

namespace Vivim.Actors;

/// <summary>A node's answer to a reader of one of its numbered logs.</summary>
public interface INodePage
{
    /// <summary>The node's name; its address where it has none.</summary>
    string Node { get; }

    /// <summary>Differs between two lives of a node at one address.</summary>
    int Incarnation { get; }

    /// <summary>Where to read on.</summary>
    ulong Next { get; }

    /// <summary>Whether there is nothing new.</summary>
    bool IsEmpty { get; }

    /// <summary>Whether there may be more at once.</summary>
    bool IsFull { get; }
}

/// <summary>How the nodes are asked for one of their logs.</summary>
/// <param name="Actor">The name under /user of who keeps it on each node.</param>
/// <param name="Tail">Asks for so many of the newest entries.</param>
/// <param name="After">Asks for what is above a number of a life of the node.</param>
public sealed record NodeQuestions(string Actor, Func<int, object> Tail, Func<int, ulong, object> After);

/// <summary>
/// Reads a log that every node of the cluster keeps: asks each for what is new, twice a second, and at the pace at which the reader takes it. Nothing
/// is kept for a slow reader but a few pages: what the nodes drop meanwhile it is told as lost. The pages of one node come in their order.
/// </summary>
/// <typeparam name="TPage">What a node answers.</typeparam>
public sealed class NodeFeed<TPage>(ActorSystem system, NodeQuestions questions)
    where TPage : class, INodePage
{
    private const int PagesAhead = 4;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);

    private readonly Cluster cluster = Cluster.Get(system);

    /// <summary>The newest entries of every node that answers.</summary>
    public async Task<IReadOnlyList<TPage>> Tails(int count, CancellationToken cancellation)
    {
        var tails = await Task.WhenAll(Members().Select(member => Ask(member, questions.Tail(count), cancellation)));
        return [.. tails.OfType<TPage>()];
    }

    /// <summary>
    /// First the newest entries of all nodes, a page of each, then a page at a time of what follows, until cancelled. A node that does not answer is
    /// read from its first answer on; one that joins meanwhile from its start on.
    /// </summary>
    /// <param name="last">Entries of each node to begin with.</param>
    public async IAsyncEnumerable<IReadOnlyList<TPage>> Follow(int last, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var members = Members();
        var tails = await Task.WhenAll(members.Select(member => Ask(member, questions.Tail(last), cancellation)));
        yield return [.. tails.OfType<TPage>()];

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var pages = Channel.CreateBounded<TPage>(PagesAhead);
        var readers = Enumerable.Range(0, members.Count).ToDictionary(i => members[i], i => Follow(members[i], tails[i] is { } tail ? (tail.Incarnation, tail.Next) : null, pages.Writer, stop.Token));
        var joining = FollowJoining(readers, pages.Writer, stop.Token);
        try
        {
            await foreach (var page in pages.Reader.ReadAllAsync(cancellation)) yield return [page];
        }
        finally
        {
            await stop.CancelAsync();
            await joining;
        }
    }

    private IReadOnlyList<UniqueAddress> Members() => [.. cluster.State.Members.Where(member => member.Status is MemberStatus.Up or MemberStatus.WeaklyUp or MemberStatus.Leaving or MemberStatus.Exiting).Select(member => member.UniqueAddress)];

    /// <summary>Follows whoever joins, until cancelled; returns when nobody is followed any more.</summary>
    private async Task FollowJoining(Dictionary<UniqueAddress, Task> readers, ChannelWriter<TPage> pages, CancellationToken cancellation)
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

                foreach (var joined in Members().Where(member => !readers.ContainsKey(member))) readers[joined] = Follow(joined, (joined.Uid, 0), pages, cancellation);
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

    /// <summary>Passes on what is new on a member, until it is gone or the reader has left.</summary>
    /// <param name="known">How far it has been read; null where it has not answered yet.</param>
    private async Task Follow(UniqueAddress member, (int Incarnation, ulong Next)? known, ChannelWriter<TPage> pages, CancellationToken cancellation)
    {
        try
        {
            while (Members().Contains(member))
            {
                var read = await Ask(member, known is { } at ? questions.After(at.Incarnation, at.Next) : questions.Tail(0), cancellation);
                if (read is { IsEmpty: false }) await pages.WriteAsync(read, cancellation);
                if (read is not null) known = (read.Incarnation, read.Next);
                if (read is not { IsFull: true }) await Task.Delay(Poll, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The reader has gone.
        }
    }

    /// <returns>Null when it does not answer in time.</returns>
    private async Task<TPage?> Ask(UniqueAddress member, object question, CancellationToken cancellation)
    {
        try
        {
            return await system.ActorSelection(new RootActorPath(member.Address) / "user" / questions.Actor).Ask<TPage>(question, AnswerLimit, cancellation);
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }
}
