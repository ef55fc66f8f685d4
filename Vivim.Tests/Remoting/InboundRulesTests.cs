using Akka.Actor;
using FsCheck.Xunit;
using Google.Protobuf;
using Vivim.Actors.Remoting;
using Vivim.Actors.V1;

namespace Vivim.Tests.Remoting;

/// <summary>Which messages of other nodes a node takes.</summary>
public sealed class InboundRulesTests
{
    private const string Self = "akka.tcp://vivim@node1:4053", Other = "akka.tcp://vivim@node2:4053";
    private const int Ours = 7401, Selection = 6, SystemMessages = 22;
    private const string Watch = "Akka.Dispatch.SysMsg.Watch, Akka", Death = "Akka.Dispatch.SysMsg.DeathWatchNotification, Akka";

    private static readonly InboundRules Rules = Make();

    [Theory]
    [InlineData("/user/sync")]
    [InlineData("/user/sync#1234")]
    [InlineData("/system/sharding")]
    [InlineData("/system/sharding/pool/3/3")]
    [InlineData("/temp/a")]
    [InlineData("/user/bus-")]
    [InlineData("/user/bus-1#99")]
    public void Known_actors_are_reached(string path) => Assert.Null(Rules.Judge(To(Self + path)));

    [Theory]
    [InlineData("/user/ledger")]
    [InlineData("/user/sync/child")]
    [InlineData("/user/synchronised")]
    [InlineData("/user")]
    [InlineData("/user/")]
    [InlineData("/")]
    [InlineData("")]
    [InlineData("/remote")]
    [InlineData("/system/shardings")]
    [InlineData("/system/sharding/../../user/ledger")]
    [InlineData("/user/sync/../ledger")]
    [InlineData("/temp/..")]
    [InlineData("#/user/sync")]
    [InlineData("/user/sync#0/../ledger")]
    [InlineData("/user/sync#0/child")]
    [InlineData("/system/sharding#0/..")]
    [InlineData("/system/sharding/pool#0/../../../user/ledger")]
    [InlineData("/user/sync#1#0")]
    [InlineData("/user/sync#a")]
    [InlineData("/user/bus")]
    [InlineData("/user/bus-1/ledger")]
    public void No_other_is(string path) => Assert.Equal(InboundRefusalReason.Recipient, Rules.Judge(To(Self + path))?.Reason);

    [Theory]
    [InlineData("akka://vivim/user/sync")]
    [InlineData(Other + "/user/sync")]
    [InlineData("/user/sync")]
    [InlineData("sync")]
    public void An_actor_is_named_by_the_nodes_own_address(string path) => Assert.Equal(InboundRefusalReason.Recipient, Rules.Judge(To(path))?.Reason);

    [Theory]
    [InlineData(Ours, "sync/2")]
    [InlineData(Ours, "")]
    [InlineData(1, "System.IO.FileInfo, System.Private.CoreLib")]
    [InlineData(1, "sync/1")]
    [InlineData(0, "")]
    [InlineData(4711, "")]
    [InlineData(-1, "sync/1")]
    public void Unknown_forms_are_refused(int serializer, string manifest) =>
        Assert.Equal(InboundRefusalReason.Form, Rules.Judge(To(Self + "/user/sync", serializer, manifest))?.Reason);

    [Theory]
    [InlineData(Self + "/user/ledger")]
    [InlineData(Self + "/user/sync#0/../ledger")]
    [InlineData("akka.tcp://vivim@node1:04053/user/ledger")]
    [InlineData("akka://vivim/user/ledger")]
    [InlineData("no path")]
    public void An_answer_goes_to_no_actor_of_the_node_that_others_may_not_talk_to(string sender) =>
        Assert.Equal(InboundRefusalReason.Sender, Rules.Judge(To(Self + "/user/sync", sender: sender))?.Reason);

    [Theory]
    [InlineData(Other + "/user/ledger")]
    [InlineData(Other + "/temp/b")]
    [InlineData(Self + "/temp/a")]
    [InlineData(null)]
    public void An_answer_may_go_to_another_node_or_to_who_waits_for_one(string? sender) => Assert.Null(Rules.Judge(To(Self + "/user/sync", sender: sender)));

    [Fact]
    public void A_selection_finds_the_paths_that_are_listed() => Assert.Null(Rules.Judge(Select(Self + "/", ["user", "sync"])));

    [Fact]
    public void A_selection_finds_nothing_else()
    {
        Refuses(Select(Self + "/", ["user", "ledger"]), InboundRefusalReason.Recipient);
        Refuses(Select(Self + "/", []), InboundRefusalReason.Recipient);
        Refuses(Select(Self + "/user", ["sync"]), InboundRefusalReason.Recipient);
        Refuses(Select(Self + "/user/sync", ["user", "sync"]), InboundRefusalReason.Recipient);
        Refuses(Select(Self + "/", ["user", "*"], RemotingStepKind.Pattern), InboundRefusalReason.Recipient);
        Refuses(Select(Self + "/", ["user", "sync"], RemotingStepKind.Parent), InboundRefusalReason.Recipient);
        Refuses(Select(Self + "/", ["user", "sync"], serializer: 1, manifest: "System.IO.FileInfo"), InboundRefusalReason.Form);
        Refuses(Select(Self + "/", ["user", "sync"], serializer: Selection, manifest: ""), InboundRefusalReason.Form);

        static void Refuses(ByteString frame, InboundRefusalReason reason) => Assert.Equal(reason, Rules.Judge(frame)?.Reason);
    }

    [Theory]
    [InlineData(Other + "/user/sync#7", null)]
    [InlineData(Self + "/system/sharding/validators/X", InboundRefusalReason.Watch)]
    [InlineData("akka://vivim/user", InboundRefusalReason.Watch)]
    [InlineData("", InboundRefusalReason.Watch)]
    public void Another_node_tells_of_the_end_of_its_own_actors_and_watches_on_their_behalf(string actor, InboundRefusalReason? refusal)
    {
        var about = new RemotingActor { Path = actor };
        var watchee = new RemotingDeath { Actor = new RemotingActor { Path = Self + "/user/sync" } };
        Assert.Equal(refusal, Rules.Judge(Message(Death, new RemotingDeath { Actor = about }.ToByteString()))?.Reason);
        Assert.Equal(refusal, Rules.Judge(Message(Watch, ByteString.CopyFrom([.. watchee.ToByteArray(), .. new RemotingWatch { Watcher = about }.ToByteArray()])))?.Reason);

        static ByteString Message(string manifest, ByteString bytes) =>
            With(new RemotingEnvelope
            {
                Recipient = new RemotingActor { Path = Self + "/user/sync" },
                Message = new RemotingForm { SerializerId = SystemMessages, Manifest = manifest },
            }, bytes);
    }

    [Fact]
    public void Handshakes_heartbeats_and_acknowledgements_carry_no_message()
    {
        Assert.Null(Rules.Judge(new RemotingFrame { Instruction = ByteString.CopyFrom(8, 5) }.ToByteString()));
        Assert.Null(Rules.Judge(new RemotingFrame { Payload = ByteString.CopyFrom(0x0A, 0) }.ToByteString()));
        Assert.Equal(InboundRefusalReason.Frame, Rules.Judge(ByteString.Empty)?.Reason);
    }

    /// <summary>Akka.NET takes of a field that comes twice the later one, and so must who judges.</summary>
    [Fact]
    public void A_field_that_comes_twice_is_judged_by_what_counts()
    {
        var good = To(Self + "/user/sync");
        var bad = To(Self + "/user/ledger");
        Assert.Equal(InboundRefusalReason.Recipient, Rules.Judge(ByteString.CopyFrom([.. good, .. bad]))?.Reason);
        Assert.Null(Rules.Judge(ByteString.CopyFrom([.. bad, .. good])));
        Assert.Equal(InboundRefusalReason.Form, Rules.Judge(ByteString.CopyFrom([.. good, .. To(Self + "/user/sync", 0, "")]))?.Reason);
    }

    [Property(MaxTest = 500)]
    public void Whatever_bytes_come_they_are_judged(byte[] bytes)
    {
        Rules.Judge(ByteString.CopyFrom(bytes));
        Rules.Judge(new RemotingFrame { Payload = ByteString.CopyFrom(bytes) }.ToByteString());
    }

    [Property(MaxTest = 300)]
    public void No_path_that_is_not_listed_is_taken(string path)
    {
        var isKnown = path.Split('#')[0] is "/user/sync" or "/temp" or "/system/sharding" || path.StartsWith("/temp/", StringComparison.Ordinal) || path.StartsWith("/system/sharding/", StringComparison.Ordinal);
        if (!isKnown) Assert.NotNull(Rules.Judge(To(Self + path)));
    }

    private static InboundRules Make()
    {
        var forms = new AdmittedForms();
        forms.Add(Ours, ["sync/1"]);
        forms.Add(Selection, [""]);
        forms.Add(SystemMessages, [Watch, Death]);
        return new InboundRules(Address.Parse(Self), ["/user/sync", "/user/bus-*", "/system/sharding/*", "/temp/*"], new HashSet<string>(["/user/sync"]), forms);
    }

    private static ByteString To(string recipient, int serializer = Ours, string manifest = "sync/1", string? sender = null) => Frame(new RemotingEnvelope
    {
        Recipient = new RemotingActor { Path = recipient },
        Message = new RemotingForm { SerializerId = serializer, Manifest = manifest },
        Sender = sender is null ? null : new RemotingActor { Path = sender },
    });

    private static ByteString Select(string from, string[] names, RemotingStepKind last = RemotingStepKind.Child, int serializer = Ours, string manifest = "sync/1")
    {
        var selection = new RemotingSelection { Message = new RemotingForm { SerializerId = serializer, Manifest = manifest } };
        selection.Steps.AddRange(names.Select((name, i) => new RemotingStep { Kind = i == names.Length - 1 ? last : RemotingStepKind.Child, Name = name }));
        return With(new RemotingEnvelope { Recipient = new RemotingActor { Path = from }, Message = new RemotingForm { SerializerId = Selection } }, selection.ToByteString());
    }

    /// <summary>The envelope's two halves: who is meant, and the message with its bytes.</summary>
    private static ByteString With(RemotingEnvelope envelope, ByteString message)
    {
        envelope.MergeFrom(new RemotingContent { Message = new RemotingBytes { Bytes = message } }.ToByteString());
        return Frame(envelope);
    }

    private static ByteString Frame(RemotingEnvelope envelope) => new RemotingFrame { Payload = new RemotingPayload { Envelope = envelope }.ToByteString() }.ToByteString();
}
