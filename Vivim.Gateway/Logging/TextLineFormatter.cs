using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Vivim.Protocol;

namespace Vivim.Gateway.Logging;

/// <summary>
/// Writes each record as one line of text, with what callers have sent made printable: no caller can feign a line, or tell the
/// operator's terminal what to do.
/// </summary>
internal sealed class TextLineFormatter(TimeProvider clock) : ConsoleFormatter(FormatName)
{
    public const string FormatName = "vivim-text";

    /// <summary>Characters of a line, with an exception's stack.</summary>
    private const int MaxLine = 16_384;

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        var failure = logEntry.Exception is { } exception ? $" {exception}" : "";
        var text = $"{logEntry.Category}[{logEntry.EventId.Id}] {message}{failure}".ReplaceLineEndings(" ");
        var (level, colour) = LevelOf(logEntry.LogLevel);
        textWriter.WriteLine($"{clock.GetLocalNow():HH:mm:ss.fff} {Coloured(level, colour)}: {PrintableText.Of(text, MaxLine)}");
    }

    private static (string Name, int Colour) LevelOf(LogLevel level) => level switch
    {
        LogLevel.Trace => ("trce", 90),
        LogLevel.Debug => ("dbug", 90),
        LogLevel.Information => ("info", 32),
        LogLevel.Warning => ("warn", 33),
        LogLevel.Error => ("fail", 31),
        _ => ("crit", 31),
    };

    private static string Coloured(string level, int colour) => NodeConsole.IsWatched ? $"\e[{colour}m{level}\e[0m" : level;
}
