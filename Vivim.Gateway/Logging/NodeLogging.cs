using Microsoft.Extensions.Logging.Console;
using Vivim.Actors.Logging;
using Vivim.Gateway.Configuration;

namespace Vivim.Gateway.Logging;

/// <summary>Where the node's log goes: to standard output, and into its <see cref="LogBook"/>.</summary>
internal static class NodeLogging
{
    public static void AddNodeLogging(this WebApplicationBuilder builder, NodeSettings settings)
    {
        var logging = builder.Logging.ClearProviders();
        if (settings.Logging.Json)
        {
            logging.AddConsole(console => console.FormatterName = JsonLineFormatter.FormatName).AddConsoleFormatter<JsonLineFormatter, ConsoleFormatterOptions>();
        }
        else
        {
            logging.AddConsole(console => console.FormatterName = TextLineFormatter.FormatName).AddConsoleFormatter<TextLineFormatter, ConsoleFormatterOptions>();
        }

        builder.Services.AddSingleton(new LogBook(settings.Logging.Keep));
        builder.Services.AddSingleton<ILoggerProvider, LogBookProvider>();
        logging.SetMinimumLevel(settings.LogLevel switch { "DEBUG" => LogLevel.Debug, "INFO" => LogLevel.Information, "WARNING" => LogLevel.Warning, _ => LogLevel.Error });
        // The frameworks' own news would drown the node's.
        if (settings.LogLevel != "DEBUG") logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning).AddFilter("Akka", LogLevel.Warning);
        // What cannot start says so itself, in one sentence.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        // It would report a node that is still starting as a failure, at every poll of /readyz.
        logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
    }
}
