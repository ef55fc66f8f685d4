using Akka.Actor;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Event;

namespace Vivim.Actors.Messaging;

/// <summary>Handles one message of the bus. What it returns is the answer, if one is asked for; it should end when the message expires.</summary>
public delegate Task<ReadOnlyMemory<byte>> MessageHandler(WorkerMessage message, CancellationToken cancellationToken);

/// <summary>
/// Receives for a worker, or for one subscription, and handles one message after another, by priority. It lives as long as these do, on their node.
/// </summary>
internal sealed class WorkerInbox : ReceiveActor
{
    /// <summary>Messages of a priority that wait.</summary>
    public const int MaxMessages = 100_000;

    /// <summary>Bytes of a priority's messages that wait.</summary>
    public const long MaxBytes = 64 << 20;

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly IReadOnlyList<string> topics;
    private readonly MessageHandler handler;
    private readonly TimeProvider clock;
    private readonly CancellationToken stopping;
    private readonly PriorityLanes<Waiting> lanes = new(MaxMessages, MaxBytes);
    private bool isBusy;

    /// <param name="topics">The topics of the cluster's mediator that it listens to.</param>
    /// <param name="stopping">Cancelled when nobody wants what is under way any more.</param>
    public WorkerInbox(IReadOnlyList<string> topics, MessageHandler handler, TimeProvider clock, CancellationToken stopping)
    {
        this.topics = topics;
        this.handler = handler;
        this.clock = clock;
        this.stopping = stopping;
        Receive<WorkerMessage>(Queue);
        Receive<Done>(OnDone);
        Receive<Locate>(locate => Sender.Tell(new Located(locate.WorkerId)));
        Receive<SubscribeAck>(_ => { });
    }

    /// <param name="ReplyTo">Nobody where no answer is asked for.</param>
    private sealed record Waiting(WorkerMessage Message, IActorRef ReplyTo) : INoSerializationVerificationNeeded;

    private sealed record Done(Waiting Handled, BusOutcome Outcome, object Answer) : INoSerializationVerificationNeeded;

    protected override void PreStart()
    {
        var mediator = DistributedPubSub.Get(Context.System).Mediator;
        foreach (var topic in topics) mediator.Tell(new Subscribe(topic, Self));
    }

    private void Queue(WorkerMessage message)
    {
        // What is published comes in the name of the dead letters, of the node that published it.
        var isPublished = Sender.Path.Elements.SequenceEqual(Context.System.DeadLetters.Path.Elements);
        var waiting = new Waiting(message, isPublished ? ActorRefs.Nobody : Sender);
        if (lanes.TryAdd(message.Priority, waiting, message.Size)) Next();
        else Answer(waiting, BusOutcome.Refused, new RequestRefused(message.Id, RequestFailure.InboxFull, $"too many messages of {message.Priority} priority wait for {message.To}: ask again later"));
    }

    private void OnDone(Done done)
    {
        isBusy = false;
        Answer(done.Handled, done.Outcome, done.Answer);
        Next();
    }

    private void Next()
    {
        while (!isBusy && lanes.TryTake(out var next))
        {
            if (next.Message.IsExpiredAt(clock.GetUtcNow()))
            {
                Answer(next, BusOutcome.Expired, new RequestRefused(next.Message.Id, RequestFailure.Expired, "it was no longer wanted when its turn came"));
                continue;
            }

            isBusy = true;
            Handle(next).PipeTo(Self);
        }
    }

    private async Task<Done> Handle(Waiting waiting)
    {
        // Never on the actor's own thread.
        await Task.Yield();
        var message = waiting.Message;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        try
        {
            var left = message.Timestamp + message.TimeToLive - clock.GetUtcNow();
            limit.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
            var payload = await handler(message, limit.Token);
            return new Done(waiting, BusOutcome.Handled, message with { Id = $"{message.Id}/answer", From = message.To, To = message.From, Payload = payload, CorrelationId = message.Id, Timestamp = clock.GetUtcNow() });
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The asker may hear this before it hears that the inbox is gone: it means the same.
            return new Done(waiting, BusOutcome.Failed, new RequestRefused(message.Id, RequestFailure.Died, $"the worker {message.To} ended before it answered"));
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return new Done(waiting, BusOutcome.Failed, new RequestRefused(message.Id, RequestFailure.TimedOut, $"the worker {message.To} did not finish while the message lived"));
        }
        catch (Exception e)
        {
            log.Warning(e, "a message of type {0} from {1} failed", message.Type, message.From);
            return new Done(waiting, BusOutcome.Failed, new RequestRefused(message.Id, RequestFailure.Failed, e.Message));
        }
    }

    private void Answer(Waiting waiting, BusOutcome outcome, object answer)
    {
        BusMeter.Count(outcome, waiting.Message.Priority);
        waiting.ReplyTo.Tell(answer, Self);
    }
}
