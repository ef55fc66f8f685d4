using Akka.Actor;

namespace Vivim.Actors.Messaging;

/// <summary>In which order a worker takes what waits for it.</summary>
public enum MessagePriority
{
    High,
    Normal,
    Low,
}

/// <summary>What travels on the bus; each has a form on the wire.</summary>
internal interface IBusMessage;

/// <summary>
/// A message from one worker to another, or to many. It arrives at most once: a node that dies, a worker that restarts or a full inbox loses it.
/// What must not be lost is a durable task.
/// </summary>
/// <param name="Id">Unique.</param>
/// <param name="From">The sender's worker id.</param>
/// <param name="To">A worker id, or <see cref="Everyone"/>.</param>
/// <param name="Type">What the payload is: the receiver knows it by this name.</param>
/// <param name="Payload">At most <see cref="MaxPayload"/> bytes.</param>
/// <param name="TimeToLive">After this, counted from <paramref name="Timestamp"/> by the receiver's clock, nobody wants it any more.</param>
/// <param name="CorrelationId">Of an answer: the question's id.</param>
/// <param name="Timestamp">When it was sent, by the sender's clock.</param>
public sealed record WorkerMessage(
    string Id, string From, string To, string Type, ReadOnlyMemory<byte> Payload, MessagePriority Priority, TimeSpan TimeToLive, string? CorrelationId, DateTimeOffset Timestamp) : IBusMessage
{
    /// <summary>The receiver of a message to many.</summary>
    public const string Everyone = "*";

    /// <summary>Bytes of a payload.</summary>
    public const int MaxPayload = 64 << 10;

    private const int MaxName = 128;

    private static readonly TimeSpan LongestLife = TimeSpan.FromHours(1);

    /// <summary>Bytes it counts for in an inbox.</summary>
    internal int Size => Payload.Length + 256;

    /// <summary>Whether nobody wants it any more.</summary>
    public bool IsExpiredAt(DateTimeOffset now) => now - Timestamp >= TimeToLive;

    /// <summary>Null when it can be sent, else a sentence naming the field that is not possible.</summary>
    public string? Problem() =>
        !IsName(Id) ? $"id must have 1 to {MaxName} characters"
        : !IsName(From) ? $"from must be a worker's id of 1 to {MaxName} characters"
        : !IsName(To) ? $"to must be a worker's id of 1 to {MaxName} characters, or {Everyone}"
        : !IsName(Type) ? $"type must have 1 to {MaxName} characters"
        : Payload.Length > MaxPayload ? $"payload has {Payload.Length} bytes, at most {MaxPayload} are allowed"
        : !Enum.IsDefined(Priority) ? "priority must be high, normal or low"
        : TimeToLive <= TimeSpan.Zero || TimeToLive > LongestLife ? $"ttl must be more than 0 and at most {LongestLife.TotalMilliseconds:F0} ms"
        : CorrelationId is { Length: 0 or > MaxName } ? $"correlationId must have 1 to {MaxName} characters"
        : null;

    private static bool IsName(string text) => text.Length is > 0 and <= MaxName;
}

/// <summary>Asks whoever has the worker's inbox to answer with <see cref="Located"/>.</summary>
internal sealed record Locate(string WorkerId) : IBusMessage;

/// <summary>The sender is the worker's inbox.</summary>
internal sealed record Located(string WorkerId) : IBusMessage;

/// <summary>Why a worker has not answered a request.</summary>
public enum RequestFailure
{
    /// <summary>No worker of this id is up.</summary>
    Absent,

    /// <summary>Too much waits for it already: ask again later.</summary>
    InboxFull,

    /// <summary>It was no longer wanted when its turn came.</summary>
    Expired,

    /// <summary>The worker ended before it answered; what it had done by then is not known.</summary>
    Died,

    /// <summary>It has not answered in time; what it does is not known.</summary>
    TimedOut,

    /// <summary>It has tried and failed, with the message.</summary>
    Failed,

    /// <summary>This node waits for too many answers already: ask again later.</summary>
    Busy,
}

/// <summary>The answer to a request that was not carried out.</summary>
internal sealed record RequestRefused(string CorrelationId, RequestFailure Failure, string Message) : IBusMessage;

/// <summary>A request was not answered.</summary>
public sealed class WorkerRequestException(RequestFailure failure, string message) : Exception(message)
{
    public RequestFailure Failure { get; } = failure;
}
