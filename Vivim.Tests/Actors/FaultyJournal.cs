using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;

namespace Vivim.Tests.Actors;

/// <summary>What becomes of a write.</summary>
internal enum JournalFault
{
    None,

    /// <summary>It waits until the fault is over.</summary>
    Hold,

    /// <summary>It fails, and nothing is stored.</summary>
    Fail,

    /// <summary>It is refused, and nothing is stored.</summary>
    Reject,

    /// <summary>It is reported as failed, but stored.</summary>
    StoreAndFail,
}

/// <summary>Stands before the real journal and lets writes go wrong.</summary>
internal sealed class FaultyJournal : UntypedActor
{
    /// <summary>Where the real journal's settings are.</summary>
    public const string RealJournals = "real-journals";

    private static volatile JournalFault fault;

    private readonly List<WriteMessages> held = [];

    /// <param name="config">The plugin's settings, which every journal is given.</param>
    public FaultyJournal(Config config) => _ = config;

    public static JournalFault Fault
    {
        get => fault;
        set => fault = value;
    }

    private static IActorRef Real => Persistence.Instance.Apply(Context.System).JournalFor($"{RealJournals}.pool");

    /// <summary>Ends the fault, and lets go what was held.</summary>
    public static void Recover(ActorSystem system)
    {
        Fault = JournalFault.None;
        Persistence.Instance.Apply(system).JournalFor("vivim-journals.pool").Tell(Release.Instance);
    }

    private sealed class Release : INoSerializationVerificationNeeded
    {
        public static readonly Release Instance = new();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Release:
                foreach (var write in held) Real.Tell(write, ActorRefs.NoSender);
                held.Clear();
                break;
            case WriteMessages write when Fault != JournalFault.None:
                GoWrong(write);
                break;
            default:
                Real.Forward(message);
                break;
        }
    }

    private void GoWrong(WriteMessages write)
    {
        if (Fault == JournalFault.Hold)
        {
            held.Add(write);
            return;
        }

        if (Fault == JournalFault.StoreAndFail) Real.Tell(new WriteMessages(write.Messages, ActorRefs.Nobody, write.ActorInstanceId), ActorRefs.NoSender);
        var cause = new IOException("the journal's disk is gone");
        var events = write.Messages.OfType<AtomicWrite>().SelectMany(w => (IEnumerable<IPersistentRepresentation>)w.Payload).ToList();
        write.PersistentActor.Tell(Fault == JournalFault.Reject ? WriteMessagesSuccessful.Instance : new WriteMessagesFailed(cause, events.Count), Self);
        foreach (var e in events) write.PersistentActor.Tell(Fault == JournalFault.Reject ? new WriteMessageRejected(e, cause, write.ActorInstanceId) : new WriteMessageFailure(e, cause, write.ActorInstanceId), Self);
    }
}
