using Akka.Actor;
using Vivim.Actors.Tasks;

namespace Vivim.Actors.Workers;

/// <summary>Stands in for a worker that is bound to a node which is not there: says so, and touches nothing of it.</summary>
public sealed class AwayWorker : ReceiveActor
{
    public AwayWorker(string id, string host)
    {
        var sentence = $"{id} is bound to the node {host}, which is not there";
        Receive<LeaveWorker>(_ => Context.Stop(Self));
        Receive<WakeWorker>(_ => { });
        ReceiveAny(message =>
        {
            if (message is SubmitTask or ResolveTask) Sender.Tell(new TaskAnswer(TaskRefusal.WorkerAway, sentence, null));
            else if (message is IWorkerMessage) Sender.Tell(new Status.Failure(new InvalidOperationException(sentence)));
            else Unhandled(message);
        });
    }
}
