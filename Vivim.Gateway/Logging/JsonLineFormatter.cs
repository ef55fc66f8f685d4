using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Vivim.Actors.Logging;
using Vivim.Gateway.Configuration;
using Vivim.Protocol;

namespace Vivim.Gateway.Logging;

/// <summary>Writes each record as one line of JSON; docs/operations.md tells its fields.</summary>
internal sealed class JsonLineFormatter(NodeSettings settings, TimeProvider clock) : ConsoleFormatter(FormatName)
{
    public const string FormatName = "vivim-json";

    /// <summary>Characters of an exception with its stack.</summary>
    private const int MaxStack = 8_192;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string node = settings.Cluster.NodeName;

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        var record = LogReading.RecordOf(logEntry.LogLevel, logEntry.Category, logEntry.State, message, logEntry.Exception, clock.GetUtcNow());
        var line = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(line, Options)) Write(json, record, logEntry.Exception);
        textWriter.WriteLine(PrintableText.OfJson(Encoding.UTF8.GetString(line.WrittenSpan)));
    }

    private void Write(Utf8JsonWriter json, LogRecord record, Exception? exception)
    {
        json.WriteStartObject();
        json.WriteString("time", DateTimeOffset.FromUnixTimeMilliseconds(record.At).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        json.WriteString("level", record.Severity.ToString().ToLowerInvariant());
        json.WriteString("node", node);
        json.WriteString("source", record.Source);
        json.WriteString("message", record.Message);
        if (record.Template.Length > 0) json.WriteString("template", record.Template);
        if (record.Properties.Count > 0)
        {
            json.WriteStartObject("properties");
            foreach (var property in record.Properties.DistinctBy(property => property.Name)) json.WriteString(property.Name, property.Value);
            json.WriteEndObject();
        }

        if (record.CorrelationId.Length > 0) json.WriteString("correlationId", record.CorrelationId);
        if (exception is not null)
        {
            var stack = exception.ToString();
            json.WriteStartObject("error");
            json.WriteString("type", record.Failure.Type);
            json.WriteString("message", record.Failure.Message);
            json.WriteString("stack", stack.Length <= MaxStack ? stack : stack[..MaxStack]);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
