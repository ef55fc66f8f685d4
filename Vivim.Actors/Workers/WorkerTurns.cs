using Akka.Actor;

namespace Vivim.Actors.Workers;

/// <summary>A worker wants to work; answered by <see cref="TurnGranted"/> when it is its turn.</summary>
internal sealed record AskTurn(string Worker, int Priority) : INoSerializationVerificationNeeded;

/// <summary>It may work, until <see cref="ReturnTurn"/>.</summary>
internal sealed class TurnGranted : INoSerializationVerificationNeeded
{
    public static readonly TurnGranted Instance = new();
}

/// <summary>It has worked, or had nothing to do after all.</summary>
internal sealed record ReturnTurn(string Worker, TimeSpan Used) : INoSerializationVerificationNeeded;

/// <summary>The turns to work on a node, <see cref="TurnShares"/>. Those of an actor that has ended are free again.</summary>
public sealed class WorkerTurns : ReceiveActor
{
    private readonly TurnShares shares;
    private readonly Dictionary<string, IActorRef> workers = new(StringComparer.Ordinal);

    /// <param name="atOnce">How many tasks of the node's workers run at the same time.</param>
    public WorkerTurns(int atOnce)
    {
        shares = new TurnShares(atOnce);
        Receive<AskTurn>(ask =>
        {
            Know(ask.Worker);
            shares.Ask(ask.Worker, ask.Priority);
            Grant();
        });
        Receive<ReturnTurn>(turn =>
        {
            if (!Sender.Equals(workers.GetValueOrDefault(turn.Worker))) return;
            shares.Return(turn.Worker, turn.Used);
            Grant();
        });
        Receive<Terminated>(terminated =>
        {
            foreach (var (worker, _) in workers.Where(known => known.Value.Equals(terminated.ActorRef)).ToList())
            {
                workers.Remove(worker);
                shares.Forget(worker);
            }

            Grant();
        });
    }

    private void Know(string worker)
    {
        var known = workers.GetValueOrDefault(worker);
        if (Sender.Equals(known)) return;
        // Its former actor took its turn along.
        if (known is not null) shares.Forget(worker);
        workers[worker] = Sender;
        Context.Watch(Sender);
    }

    private void Grant()
    {
        while (shares.Grant() is { } worker) workers[worker].Tell(TurnGranted.Instance);
    }
}
