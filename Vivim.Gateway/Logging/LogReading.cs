using System.Globalization;
using Vivim.Actors.Logging;
using Vivim.Gateway.Telemetry;

namespace Vivim.Gateway.Logging;

/// <summary>Makes a <see cref="LogRecord"/> of what is logged, by whomever.</summary>
internal static class LogReading
{
    /// <summary>The property that names the actor.</summary>
    public const string ActorPath = "ActorPath";

    /// <summary>The property that names the call; where there is none, it is the one under way.</summary>
    public const string CorrelationId = "CorrelationId";

    /// <summary>As the logging framework names a message's template.</summary>
    public const string Template = "{OriginalFormat}";

    public static LogRecord RecordOf<TState>(LogLevel level, string category, TState state, string message, Exception? failure, DateTimeOffset now)
    {
        var (source, template, correlation) = (category, "", "");
        var properties = new List<LogProperty>();
        foreach (var (name, value) in state as IEnumerable<KeyValuePair<string, object?>> ?? [])
        {
            var text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            switch (name)
            {
                case Template:
                    template = text;
                    break;
                case ActorPath:
                    source = text;
                    break;
                case CorrelationId:
                    correlation = text;
                    break;
                default:
                    if (properties.Count < LogRecord.MaxProperties) properties.Add(new LogProperty(name, text));
                    break;
            }
        }

        return LogRecord.Of(now.ToUnixTimeMilliseconds(), SeverityOf(level), source, message, template, properties, correlation.Length > 0 ? correlation : Correlation.Id, failure);
    }

    private static LogSeverity SeverityOf(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => LogSeverity.Debug,
        LogLevel.Information => LogSeverity.Info,
        LogLevel.Warning => LogSeverity.Warning,
        _ => LogSeverity.Error,
    };
}
