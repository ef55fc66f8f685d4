using Akka.Actor;
using Akka.Cluster.Tools.PublishSubscribe;

namespace Vivim.Actors.Messaging;

/// <summary>
/// One request: finds the worker's inbox, watches it, asks, and ends with the answer or the reason why there is none. The death of the worker, or
/// of its node, is a prompt answer too.
/// </summary>
internal sealed class PendingRequest : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan LocateLimit = TimeSpan.FromSeconds(2);

    private readonly WorkerMessage request;
    private readonly TaskCompletionSource<WorkerMessage> answer;

    /// <param name="answer">Completed in the end, whatever happens.</param>
    public PendingRequest(WorkerMessage request, TaskCompletionSource<WorkerMessage> answer)
    {
        this.request = request;
        this.answer = answer;
        Receive<Located>(_ => Ask(Sender));
        Receive<WorkerMessage>(message =>
        {
            answer.TrySetResult(message);
            Context.Stop(Self);
        });
        Receive<RequestRefused>(refused => Fail(refused.Failure, refused.Message));
        Receive<Terminated>(_ => Fail(RequestFailure.Died, $"the worker {request.To} ended before it answered"));
        Receive<RequestFailure>(failure => Fail(failure, failure == RequestFailure.Absent ? $"no worker {request.To} is up" : $"the worker {request.To} has not answered in {request.TimeToLive.TotalMilliseconds:F0} ms"));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Timers.StartSingleTimer(nameof(RequestFailure.Absent), RequestFailure.Absent, LocateLimit < request.TimeToLive ? LocateLimit : request.TimeToLive);
        Timers.StartSingleTimer(nameof(RequestFailure.TimedOut), RequestFailure.TimedOut, request.TimeToLive);
        DistributedPubSub.Get(Context.System).Mediator.Tell(new Publish(BusTopic.OfWorker(request.To), new Locate(request.To)));
    }

    protected override void PostStop() => answer.TrySetException(new WorkerRequestException(RequestFailure.TimedOut, "the node stops"));

    private void Ask(IActorRef inbox)
    {
        if (!Timers.IsTimerActive(nameof(RequestFailure.Absent))) return;
        Timers.Cancel(nameof(RequestFailure.Absent));
        Context.Watch(inbox);
        inbox.Tell(request);
    }

    private void Fail(RequestFailure failure, string message)
    {
        answer.TrySetException(new WorkerRequestException(failure, message));
        Context.Stop(Self);
    }
}
