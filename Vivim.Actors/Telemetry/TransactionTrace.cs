using System.Diagnostics;

namespace Vivim.Actors.Telemetry;

/// <summary>
/// Spans of what actors do for one transaction. What travels with a message is the W3C traceparent of the span before, as text; nothing else of a trace
/// leaves a node but by its exporter. A span is made when it is over, so that no actor's thread is ever inside one.
/// </summary>
public static class TransactionTrace
{
    /// <summary>The name of the activity source.</summary>
    public const string SourceName = "Vivim.Transactions";

    /// <summary>version-traceid-spanid-flags, in hexadecimal digits.</summary>
    private const int ParentLength = 55;

    private const int TraceIdStart = 3, TraceIdLength = 32;

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Whether this node makes spans at all.</summary>
    public static bool IsOn => Source.HasListeners();

    /// <summary>Now, as the start of a span; nothing where none is made.</summary>
    public static DateTimeOffset Begin() => IsOn ? DateTimeOffset.UtcNow : default;

    /// <summary>What a message may carry on: a traceparent, else nothing.</summary>
    public static string Checked(string parent) => parent.Length == ParentLength && ActivityContext.TryParse(parent, null, out _) ? parent : "";

    /// <summary>Whether the trace is one that is recorded.</summary>
    public static bool IsSampled(string parent) => parent.Length == ParentLength && (parent[^1] & 1) == 1;

    /// <summary>A traceparent with its sampled flag taken away.</summary>
    public static string Unsampled(string parent) => parent.Length == ParentLength ? string.Concat(parent.AsSpan(0, ParentLength - 2), "00") : "";

    /// <summary>The id of the call that the trace began with; empty without a trace.</summary>
    public static string CorrelationOf(string parent) => parent.Length == ParentLength ? parent.Substring(TraceIdStart, TraceIdLength) : "";

    /// <summary>Makes a span that ends now.</summary>
    /// <param name="parent">The traceparent of the span before.</param>
    /// <returns>Its own traceparent; <paramref name="parent"/> where no span was made.</returns>
    public static string Record(string name, string parent, DateTimeOffset start, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (!IsOn || !IsSampled(parent) || !ActivityContext.TryParse(parent, null, out var context)) return parent;
        var around = Activity.Current;
        try
        {
            using var span = Source.StartActivity(name, ActivityKind.Internal, context, tags.ToArray(), startTime: start);
            return span?.Id ?? parent;
        }
        finally
        {
            Activity.Current = around;
        }
    }
}
