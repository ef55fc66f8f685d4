namespace Vivim.Gateway.Limits;

/// <summary>Why a call is not served now; it is worth another try after a while.</summary>
/// <param name="Reason">As docs/spec/errors.md lists it.</param>
/// <param name="Message">A sentence for a person.</param>
internal sealed record LimitRefusal(string Reason, string Message)
{
    /// <summary>After how long another try is worth it.</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>All places for connections are taken.</summary>
    public static LimitRefusal Connections { get; } = new(
        "CONNECTIONS_LIMITED", "there are too many connections, from this address or in all: use fewer, or try again shortly");

    /// <summary>The address has as many calls under way as it may.</summary>
    public static LimitRefusal Calls { get; } = new(
        "CALLS_LIMITED", "too many calls and streams are under way, from this address or in all: end some, or try again shortly");

    /// <summary>There are not enough bytes for the answer.</summary>
    public static LimitRefusal Answers { get; } = new(
        "ANSWERS_LIMITED", "too many answers wait to be read, from this address or in all: read them, or try again shortly");
}
