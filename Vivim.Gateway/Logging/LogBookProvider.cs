using Vivim.Actors.Logging;

namespace Vivim.Gateway.Logging;

/// <summary>Keeps what the node logs in its <see cref="LogBook"/>, for operators who ask.</summary>
[ProviderAlias("LogBook")]
internal sealed class LogBookProvider(LogBook book, TimeProvider clock) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Writer(categoryName, book, clock);

    public void Dispose()
    {
        // The book outlives it, and holds nothing but memory.
    }

    private sealed class Writer(string category, LogBook book, TimeProvider clock) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            book.Append(LogReading.RecordOf(logLevel, category, state, formatter(state, exception), exception, clock.GetUtcNow()));
    }
}
