using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;

namespace Vivim.Tests.Actors;

/// <summary>What becomes of a write.</summary>
internal enum JournalFault
{
    None,

    /// <summary>The journal stands still, with this write and all that comes after it, until it is released.</summary>
    Hold,

    /// <summary>It fails, and nothing is stored.</summary>
    Fail,

    /// <summary>It is refused, and nothing is stored.</summary>
    Reject,

    /// <summary>It is reported as failed, but stored.</summary>
    StoreAndFail,
}

/// <summary>What goes wrong in the journal of one group of actors. The runtime makes the journal, so tests find this by the group's name.</summary>
internal sealed class JournalFaults
{
    private static readonly ConcurrentDictionary<string, JournalFaults> Groups = new(StringComparer.Ordinal);

    private volatile Func<JournalFault> next = static () => JournalFault.None;
    private volatile Action<IPersistentRepresentation>? stored;

    /// <summary>Asked at every write.</summary>
    public Func<JournalFault> Next
    {
        get => next;
        set => next = value;
    }

    /// <summary>Told every event once it is stored; null for nobody.</summary>
    public Action<IPersistentRepresentation>? Stored
    {
        get => stored;
        set => stored = value;
    }

    public static JournalFaults Of(string group) => Groups.GetOrAdd(group, static _ => new JournalFaults());

    public static void Reset() => Groups.Clear();
}

/// <summary>Stands before a group's real journal and lets writes go wrong.</summary>
internal sealed class FaultyJournal : UntypedActor
{
    /// <summary>Where the real journals' settings are.</summary>
    public const string RealJournals = "real-journals";

    private readonly string group;
    private readonly Queue<(object Message, IActorRef Sender)> held = new();

    /// <param name="config">The plugin's settings.</param>
    public FaultyJournal(Config config) => group = config.GetString("group");

    /// <summary>The one fault of all writes of the pool's journal.</summary>
    public static JournalFault Fault
    {
        set => JournalFaults.Of("pool").Next = () => value;
    }

    private JournalFaults Faults => JournalFaults.Of(group);

    private IActorRef Real => Persistence.Instance.Apply(Context.System).JournalFor($"{RealJournals}.{group}");

    /// <summary>The settings of a group's journal when it stands behind this one.</summary>
    public static Config Before(string group, Config node) => ConfigurationFactory.ParseString($$"""
        vivim-journals.{{group}} {
          class = "{{typeof(FaultyJournal).FullName}}, Vivim.Tests"
          plugin-dispatcher = "akka.actor.default-dispatcher"
          group = {{group}}
        }
        """).WithFallback(node.GetConfig($"vivim-journals.{group}").Root.AtKey(group).Root.AtKey(RealJournals));

    /// <summary>Ends the fault of the pool's journal, and lets go what was held.</summary>
    public static void Recover(ActorSystem system)
    {
        Fault = JournalFault.None;
        Release(system, "pool");
    }

    /// <summary>Lets a journal go on that was told to stand still.</summary>
    public static void Release(ActorSystem system, string group) => Persistence.Instance.Apply(system).JournalFor($"vivim-journals.{group}").Tell(Go.Instance);

    private sealed class Go : INoSerializationVerificationNeeded
    {
        public static readonly Go Instance = new();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Go:
                while (held.TryDequeue(out var item)) PassOn(item.Message, item.Sender);
                break;
            case var _ when held.Count > 0:
                held.Enqueue((message, Sender));
                break;
            case WriteMessages write when Faults.Next() is var fault and not JournalFault.None:
                GoWrong(write, fault);
                break;
            default:
                PassOn(message, Sender);
                break;
        }
    }

    private void PassOn(object message, IActorRef sender)
    {
        if (message is WriteMessages write && Faults.Stored is { } stored)
            message = new WriteMessages(write.Messages, Context.ActorOf(Props.Create(() => new Witness(write.PersistentActor, EventsOf(write).Count, stored))), write.ActorInstanceId);
        Real.Tell(message, sender);
    }

    private void GoWrong(WriteMessages write, JournalFault fault)
    {
        if (fault == JournalFault.Hold)
        {
            held.Enqueue((write, Sender));
            return;
        }

        if (fault == JournalFault.StoreAndFail) PassOn(new WriteMessages(write.Messages, ActorRefs.Nobody, write.ActorInstanceId), ActorRefs.Nobody);
        var cause = new IOException("the journal's disk is gone");
        var events = EventsOf(write);
        write.PersistentActor.Tell(fault == JournalFault.Reject ? WriteMessagesSuccessful.Instance : new WriteMessagesFailed(cause, events.Count), Self);
        foreach (var e in events) write.PersistentActor.Tell(fault == JournalFault.Reject ? new WriteMessageRejected(e, cause, write.ActorInstanceId) : new WriteMessageFailure(e, cause, write.ActorInstanceId), Self);
    }

    private static List<IPersistentRepresentation> EventsOf(WriteMessages write) => [.. write.Messages.OfType<AtomicWrite>().SelectMany(w => (IEnumerable<IPersistentRepresentation>)w.Payload)];

    /// <summary>Takes the real journal's answers to one write, and passes them on.</summary>
    private sealed class Witness : ReceiveActor
    {
        private int missing;

        public Witness(IActorRef writer, int events, Action<IPersistentRepresentation> stored)
        {
            missing = events;
            ReceiveAny(message =>
            {
                if (message is WriteMessageSuccess success) stored(success.Persistent);
                writer.Forward(message);
                if (message is WriteMessageSuccess or WriteMessageFailure or WriteMessageRejected && --missing == 0) Context.Stop(Self);
            });
        }
    }
}
