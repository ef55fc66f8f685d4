using Akka.Actor;
using Akka.Cluster.Tools.PublishSubscribe;

namespace Vivim.Actors.Messaging;

/// <summary>The names of the bus's topics at the cluster's mediator.</summary>
internal static class BusTopic
{
    /// <summary>Where every worker listens.</summary>
    public const string All = "bus-all";

    public static string OfWorker(string workerId) => $"bus-worker-{workerId}";

    public static string OfType(string workerType) => $"bus-type-{workerType}";

    public static string Named(string topic) => $"bus-topic-{topic}";
}

/// <summary>
/// The workers' bus of a node, which reaches those of all nodes: publish and subscribe, request and response, broadcast by type. At most once;
/// the order between two workers is kept within a priority. Senders are held back by what a receiver takes: a request is refused when the inbox
/// is full, and so is one too many that is under way from this node.
/// </summary>
public sealed class WorkerBus(ActorSystem system, TimeProvider clock)
{
    /// <summary>Requests of a node that wait for their answers.</summary>
    public const int MaxRequests = 1_000;

    /// <summary>The beginning of the names that actors of requests have under /user.</summary>
    internal const string RequestName = "bus-request-";

    /// <summary>The beginning of the names that inboxes of workers have under /user.</summary>
    internal const string InboxName = "bus-inbox-";

    /// <summary>Makes names unique, over all buses of the process.</summary>
    private static long made;

    private int requests;

    /// <summary>Sends to everybody who has subscribed to the topic by now.</summary>
    /// <exception cref="ArgumentException">The message is not possible.</exception>
    public void Publish(string topic, WorkerMessage message) => Send(BusTopic.Named(topic), message);

    /// <summary>Receives what is published under a topic, on any node, until disposed.</summary>
    public IDisposable Subscribe(string topic, MessageHandler handler) => new Receiver(system, [BusTopic.Named(topic)], handler, clock);

    /// <summary>Receives what is sent to a worker, by its id, its type or everybody, until disposed. A worker does it on the node where it runs.</summary>
    public IDisposable Respond(string workerId, string workerType, MessageHandler handler) =>
        new Receiver(system, [BusTopic.OfWorker(workerId), BusTopic.OfType(workerType), BusTopic.All], handler, clock);

    /// <summary>Sends to every worker, or to every one of some types.</summary>
    /// <exception cref="ArgumentException">The message is not possible.</exception>
    public void Broadcast(WorkerMessage message, params IReadOnlyList<string> workerTypes)
    {
        if (workerTypes.Count == 0) Send(BusTopic.All, message);
        foreach (var type in workerTypes) Send(BusTopic.OfType(type), message);
    }

    /// <summary>Asks a worker, for as long as the message lives.</summary>
    /// <returns>The answer, with the request's id as its correlation id.</returns>
    /// <exception cref="ArgumentException">The message is not possible.</exception>
    /// <exception cref="WorkerRequestException">There is no answer.</exception>
    public async Task<WorkerMessage> Request(WorkerMessage message)
    {
        Require(message);
        if (Interlocked.Increment(ref requests) > MaxRequests)
        {
            Interlocked.Decrement(ref requests);
            throw new WorkerRequestException(RequestFailure.Busy, $"this node waits for {MaxRequests} answers already: ask again later");
        }

        try
        {
            var answer = new TaskCompletionSource<WorkerMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
            system.ActorOf(Props.Create(() => new PendingRequest(message, answer)), RequestName + Interlocked.Increment(ref made));
            return await answer.Task;
        }
        finally
        {
            Interlocked.Decrement(ref requests);
        }
    }

    private void Send(string topic, WorkerMessage message)
    {
        Require(message);
        DistributedPubSub.Get(system).Mediator.Tell(new Publish(topic, message), ActorRefs.NoSender);
    }

    private static void Require(WorkerMessage message)
    {
        if (message.Problem() is { } problem) throw new ArgumentException(problem, nameof(message));
    }

    /// <summary>An inbox, and what is under way in it.</summary>
    private sealed class Receiver : IDisposable
    {
        private readonly CancellationTokenSource stopping = new();
        private readonly ActorSystem system;
        private readonly IActorRef inbox;
        private int isDisposed;

        public Receiver(ActorSystem system, IReadOnlyList<string> topics, MessageHandler handler, TimeProvider clock)
        {
            this.system = system;
            inbox = system.ActorOf(Props.Create(() => new WorkerInbox(topics, handler, clock, stopping.Token)), InboxName + Interlocked.Increment(ref made));
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isDisposed, 1) == 1) return;
            system.Stop(inbox);
            stopping.Cancel();
            stopping.Dispose();
        }
    }
}
