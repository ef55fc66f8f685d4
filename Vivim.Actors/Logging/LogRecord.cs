using Vivim.Actors.Supervision;

namespace Vivim.Actors.Logging;

/// <summary>How much a record matters. A number is for ever: it goes over the wire.</summary>
public enum LogSeverity
{
    Debug = 1,
    Info = 2,
    Warning = 3,
    Error = 4,
}

/// <summary>A value that a record's message was made with.</summary>
public readonly record struct LogProperty(string Name, string Value);

/// <summary>One entry of a node's log. Every text is bounded and on one line.</summary>
/// <param name="Sequence">Its place among the records that the node keeps, from 1 on without a gap; 0 before it is kept.</param>
/// <param name="At">Unix milliseconds, by the node's clock.</param>
/// <param name="Source">The actor without an address, e.g. <c>/user/ledger</c>; what is no actor by its type.</param>
/// <param name="Template">The message with its properties' names in place of their values; empty where it is the message.</param>
/// <param name="CorrelationId">The request that it belongs to: 32 hexadecimal digits, or empty.</param>
/// <param name="Failure">The exception, if there was one.</param>
public sealed record LogRecord(ulong Sequence, long At, LogSeverity Severity, string Source, string Message, string Template, IReadOnlyList<LogProperty> Properties, string CorrelationId, FailureCause Failure)
{
    /// <summary>Properties kept.</summary>
    public const int MaxProperties = 16;

    private const int MaxSource = 256;
    private const int MaxMessage = 1_024;
    private const int MaxTemplate = 256;
    private const int MaxName = 64;
    private const int MaxValue = 128;
    private const int CorrelationLength = 32;

    /// <summary>A record that is not kept yet, cut to its bounds.</summary>
    public static LogRecord Of(long at, LogSeverity severity, string source, string message, string template, IEnumerable<LogProperty> properties, string correlationId, Exception? failure) => new(
        0,
        at,
        severity,
        SupervisionEvent.Clip(source, MaxSource),
        SupervisionEvent.Clip(message, MaxMessage),
        template == message ? "" : SupervisionEvent.Clip(template, MaxTemplate),
        [.. properties.Take(MaxProperties).Select(property => new LogProperty(SupervisionEvent.Clip(property.Name, MaxName), SupervisionEvent.Clip(property.Value, MaxValue)))],
        correlationId.Length == CorrelationLength ? correlationId : "",
        FailureCause.Of(failure));
}

/// <summary>Which records a reader wants.</summary>
/// <param name="Least">The least severity.</param>
/// <param name="SourcePrefix">What the source begins with; empty: any.</param>
/// <param name="Since">Unix milliseconds; older ones are left out.</param>
/// <param name="CorrelationId">The only request wanted; empty: all.</param>
public sealed record LogFilter(LogSeverity Least, string SourcePrefix, long Since, string CorrelationId)
{
    /// <summary>Wants all.</summary>
    public static readonly LogFilter All = new(LogSeverity.Debug, "", 0, "");

    public bool Wants(LogRecord record) =>
        record.Severity >= Least && record.At >= Since && record.Source.StartsWith(SourcePrefix, StringComparison.Ordinal) && (CorrelationId.Length == 0 || record.CorrelationId == CorrelationId);
}
