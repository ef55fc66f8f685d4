using Akka.Actor;
using Akka.Event;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace Vivim.Gateway.Node;

/// <summary>Passes the actor system's log to the host's.</summary>
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

    private static void Write(LogEvent e)
    {
        var level = e.LogLevel() switch
        {
            Akka.Event.LogLevel.DebugLevel => LogLevel.Debug,
            Akka.Event.LogLevel.InfoLevel => LogLevel.Information,
            Akka.Event.LogLevel.WarningLevel => LogLevel.Warning,
            _ => LogLevel.Error,
        };
        factory.CreateLogger(e.LogClass.FullName ?? e.LogClass.Name).Log(level, e.Cause, "{Message}", e.Message);
    }
}
