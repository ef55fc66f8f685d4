using Akka.Actor;
using Google.Protobuf;

namespace Vivim.Actors.Remoting;

/// <summary>
/// Says which messages of other nodes a node takes: those to known actors, whose answer goes to another node or to a known actor, in known forms.
/// It looks at a message before Akka.NET does, and makes no object of it.
/// </summary>
/// <param name="self">The node's own remoting address.</param>
/// <param name="recipients">
/// Paths of the actors that other nodes may talk to. One that ends in "/*" stands for the actor and for all below it. One that ends in
/// another "*" stands for every actor whose name begins like that, and for none below it.
/// </param>
/// <param name="selections">Paths of the actors that other nodes may reach by a selection.</param>
/// <param name="forms">The forms that are read.</param>
public sealed class InboundRules(Address self, IReadOnlyList<string> recipients, IReadOnlySet<string> selections, AdmittedForms forms)
{
    /// <summary>The serializer of selections, which find their recipient by a path (Akka.Remote's MessageContainerSerializer).</summary>
    private const int SelectionSerializer = 6;

    /// <summary>The serializer of death watch (Akka.Remote's SystemMessageSerializer).</summary>
    private const int SystemSerializer = 22;

    private const string Below = "/*", Any = "*";

    private static readonly MessageParser<V1.RemotingFrame> Frames = V1.RemotingFrame.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<V1.RemotingPayload> Payloads = V1.RemotingPayload.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<V1.RemotingContentPayload> ContentPayloads = V1.RemotingContentPayload.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<V1.RemotingSelection> Selections = V1.RemotingSelection.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<V1.RemotingDeath> Deaths = V1.RemotingDeath.Parser.WithDiscardUnknownFields(true);
    private static readonly MessageParser<V1.RemotingWatch> Watches = V1.RemotingWatch.Parser.WithDiscardUnknownFields(true);

    private readonly string root = self + "/";

    /// <summary>Judges what has come by a connection.</summary>
    /// <returns>Null for what is taken.</returns>
    public InboundRefusal? Judge(ByteString frame)
    {
        try
        {
            var read = Frames.ParseFrom(frame);
            if (read.Payload.IsEmpty) return read.Instruction.IsEmpty ? NoMessage(frame) : null;
            return Payloads.ParseFrom(read.Payload).Envelope is { } envelope ? Judge(envelope, read.Payload) : null;
        }
        catch (InvalidProtocolBufferException)
        {
            return NoMessage(frame);
        }
    }

    private static InboundRefusal NoMessage(ByteString frame) => new(InboundRefusalReason.Frame, $"{frame.Length} bytes that are no message");

    private InboundRefusal? Judge(V1.RemotingEnvelope envelope, ByteString payload)
    {
        var (recipient, form) = (envelope.Recipient?.Path ?? "", envelope.Message ?? new V1.RemotingForm());
        if (!forms.Has(form.SerializerId, form.Manifest)) return InboundRefusal.OfForm(form.SerializerId, form.Manifest, $", to {recipient}");
        if (envelope.Sender is { } sender && IsOwn(sender.Path) && !IsKnown(sender.Path))
            return new InboundRefusal(InboundRefusalReason.Sender, $"to {recipient}, to be answered to {sender.Path}");
        if (form.SerializerId == SelectionSerializer) return JudgeSelection(recipient, Selections.ParseFrom(BytesOf(payload)));
        if (!IsKnown(recipient)) return new InboundRefusal(InboundRefusalReason.Recipient, $"{recipient}, by the serializer {form.SerializerId}");
        return form.SerializerId == SystemSerializer ? JudgeWatch(recipient, form.Manifest, BytesOf(payload)) : null;
    }

    private static ByteString BytesOf(ByteString payload) => ContentPayloads.ParseFrom(payload).Envelope.Message.Bytes;

    /// <summary>Another node watches on behalf of its own actors, and tells of the end of its own.</summary>
    private InboundRefusal? JudgeWatch(string recipient, string manifest, ByteString message)
    {
        var isOfDeath = manifest.Contains(nameof(Akka.Dispatch.SysMsg.DeathWatchNotification), StringComparison.Ordinal);
        var actor = (isOfDeath ? Deaths.ParseFrom(message).Actor : Watches.ParseFrom(message).Watcher)?.Path ?? "";
        return IsOwn(actor) ? new InboundRefusal(InboundRefusalReason.Watch, $"to {recipient}, about {actor}") : null;
    }

    private InboundRefusal? JudgeSelection(string recipient, V1.RemotingSelection selection)
    {
        var path = string.Concat(selection.Steps.Select(step => step.Kind == V1.RemotingStepKind.Child ? "/" + step.Name : "/*"));
        if (recipient != root || !selections.Contains(path)) return new InboundRefusal(InboundRefusalReason.Recipient, $"{recipient}, from there {path}");
        var form = selection.Message ?? new V1.RemotingForm();
        return form.SerializerId != SelectionSerializer && forms.Has(form.SerializerId, form.Manifest)
            ? null
            : InboundRefusal.OfForm(form.SerializerId, form.Manifest, $", to the selection {path}");
    }

    /// <summary>Whether a path is of an actor on this node, or of none at all.</summary>
    private bool IsOwn(string path) => !ActorPath.TryParse(path, out var parsed) || parsed.Address == self || parsed.Address.HasLocalScope;

    /// <summary>Whether other nodes may talk to the actor.</summary>
    private bool IsKnown(string path)
    {
        if (!path.StartsWith(root, StringComparison.Ordinal)) return false;
        var local = path.AsSpan(root.Length - 1);
        if (local.IndexOf('#') is var end and >= 0)
        {
            // Akka.NET reads the number of an incarnation behind every element; it writes one behind the last only.
            if (local[(end + 1)..].ContainsAnyExceptInRange('0', '9')) return false;
            local = local[..end];
        }

        // Akka.NET takes the element .. for the parent.
        if (local.Contains("/..", StringComparison.Ordinal)) return false;
        foreach (var known in recipients)
        {
            if (Covers(known, local)) return true;
        }

        return false;
    }

    private static bool Covers(ReadOnlySpan<char> known, ReadOnlySpan<char> actor)
    {
        if (known.EndsWith(Below, StringComparison.Ordinal))
        {
            var top = known[..^Below.Length];
            return actor.StartsWith(top, StringComparison.Ordinal) && (actor.Length == top.Length || actor[top.Length] == '/');
        }

        if (!known.EndsWith(Any, StringComparison.Ordinal)) return actor.SequenceEqual(known);
        var beginning = known[..^Any.Length];
        return actor.StartsWith(beginning, StringComparison.Ordinal) && !actor[beginning.Length..].Contains('/');
    }
}
