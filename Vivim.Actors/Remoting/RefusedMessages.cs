using System.Diagnostics.Metrics;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Event;

namespace Vivim.Actors.Remoting;

/// <summary>Why a node does not take what comes in by its remoting.</summary>
public enum InboundRefusalReason
{
    /// <summary>A connection that did not show a valid certificate in time, or one too many.</summary>
    Connection,

    /// <summary>What came is no message, or a longer one than is allowed.</summary>
    Frame,

    /// <summary>Other nodes may not talk to that actor.</summary>
    Recipient,

    /// <summary>The answer would go to an actor that other nodes may not talk to.</summary>
    Sender,

    /// <summary>It watches on behalf of an actor of this node, or tells of the end of one: only the node itself does that.</summary>
    Watch,

    /// <summary>No message of that serializer and manifest is read, or its bytes are not of that form.</summary>
    Form,
}

/// <summary>What is refused, and why, for people.</summary>
public sealed record InboundRefusal(InboundRefusalReason Reason, string What)
{
    private const int MaxManifest = 80;

    /// <summary>A message is refused by its form.</summary>
    /// <param name="more">What else is known of it.</param>
    public static InboundRefusal OfForm(int serializer, string manifest, string more = "") =>
        new(InboundRefusalReason.Form, $"serializer {serializer}, manifest '{(manifest.Length > MaxManifest ? manifest[..MaxManifest] : manifest)}'{more}");
}

/// <summary>A message was refused by its form, and has been counted.</summary>
public sealed class RefusedFormException(string message, Exception? inner = null) : SerializationException(message, inner);

/// <summary>
/// Counts what a node refuses of what comes in by its remoting. The log gets one line for many refusals, so that nobody fills it from outside.
/// </summary>
public sealed class RefusedMessages(ActorSystem system, TimeProvider clock) : IExtension
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "Vivim.Remoting";

    /// <summary>The time between two lines of the log.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private const int MaxText = 160;

    private static readonly Meter Meter = new(MeterName);

    private static readonly Counter<long> Refused = Meter.CreateCounter<long>(
        "vivim.remoting.refused", description: "What this node has refused of what came in by its remoting, by reason");

    private readonly Lock gate = new();
    private long? lastLine;
    private long sinceLine;

    /// <summary>Those of an actor system.</summary>
    public static RefusedMessages Of(ActorSystem system) => system.WithExtension<RefusedMessages, Provider>();

    /// <summary>Counts a refusal, and tells of it where the last line is long enough ago.</summary>
    public void Add(InboundRefusal refusal)
    {
        Refused.Add(1, new KeyValuePair<string, object?>("reason", Name(refusal.Reason)));
        long count;
        lock (gate)
        {
            sinceLine++;
            if (lastLine is { } last && clock.GetElapsedTime(last) < Pause) return;
            lastLine = clock.GetTimestamp();
            (count, sinceLine) = (sinceLine, 0);
        }

        system.Log.Warning(
            "refused {Count} messages or connections from elsewhere since the last such line; the newest by its {Reason}: {What}",
            count,
            Name(refusal.Reason),
            Printable(refusal.What));
    }

    /// <summary>What others have sent may be long, and may hold what a terminal obeys.</summary>
    private static string Printable(string text) =>
        string.Concat(text.Take(MaxText).Select(c => c is >= ' ' and <= '~' ? c : '?')) + (text.Length > MaxText ? "..." : "");

    private static string Name(InboundRefusalReason reason) => reason.ToString().ToLowerInvariant();

    private sealed class Provider : ExtensionIdProvider<RefusedMessages>
    {
        public override RefusedMessages CreateExtension(ExtendedActorSystem system) => new(system, TimeProvider.System);
    }
}
