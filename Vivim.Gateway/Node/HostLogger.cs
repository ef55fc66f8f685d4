using System.Collections;
using Akka.Actor;
using Akka.Event;
using Vivim.Actors.Remoting;
using Vivim.Gateway.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace Vivim.Gateway.Node;

/// <summary>Passes the actor system's log to the host's, with the actor's path and what the message was made of.</summary>
internal sealed class HostLogger : ReceiveActor
{
    private static ILoggerFactory factory = LoggerFactory.Create(_ => { });

    public HostLogger()
    {
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<LogEvent>(Write);
    }

    /// <summary>The host's loggers; set once, before the actor system starts, which makes this actor by its type name.</summary>
    public static void Use(ILoggerFactory loggers) => factory = loggers;

    /// <summary>The actor's path out of the source that Akka.NET tells; null where it is no actor.</summary>
    internal static string? PathOf(string source)
    {
        var text = source.Trim('[', ']');
        if (!text.StartsWith("akka", StringComparison.Ordinal)) return null;
        var address = text.IndexOf("://", StringComparison.Ordinal);
        var path = address < 0 ? -1 : text.IndexOf('/', address + "://".Length);
        return path < 0 ? null : text[path..].Split('#')[0];
    }

    private static void Write(LogEvent e)
    {
        // Counted, and told of in one line for many.
        if (e.Cause?.GetBaseException() is RefusedFormException) return;
        var level = e.LogLevel() switch
        {
            Akka.Event.LogLevel.DebugLevel => LogLevel.Debug,
            Akka.Event.LogLevel.InfoLevel => LogLevel.Information,
            Akka.Event.LogLevel.WarningLevel => LogLevel.Warning,
            _ => LogLevel.Error,
        };
        var logger = factory.CreateLogger(e.LogClass.FullName ?? e.LogClass.Name);
        if (logger.IsEnabled(level)) logger.Log(level, default, new ActorLogState(e), e.Cause, static (state, _) => state.Message);
    }

    /// <summary>What an actor has logged, as the logging framework wants to read it.</summary>
    private sealed class ActorLogState(LogEvent e) : IReadOnlyList<KeyValuePair<string, object?>>
    {
        private readonly List<KeyValuePair<string, object?>> items = Read(e);

        public string Message { get; } = e.Message?.ToString() ?? "";

        public int Count => items.Count;

        public KeyValuePair<string, object?> this[int index] => items[index];

        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => items.GetEnumerator();

        public override string ToString() => Message;

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        private static List<KeyValuePair<string, object?>> Read(LogEvent e)
        {
            var read = new List<KeyValuePair<string, object?>>();
            if (e.TryGetProperties(out var properties) && properties is not null) read.AddRange(properties.Select(property => new KeyValuePair<string, object?>(property.Key, property.Value)));
            if (PathOf(e.LogSource) is { } path) read.Add(new(LogReading.ActorPath, path));
            if (e.ActivityContext is { } trace && properties?.ContainsKey(LogReading.CorrelationId) != true) read.Add(new(LogReading.CorrelationId, trace.TraceId.ToHexString()));
            read.Add(new(LogReading.Template, e.GetTemplate()));
            return read;
        }
    }
}
