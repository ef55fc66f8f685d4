using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Spectre.Console;
using Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim log tail</c>: what the nodes of a cluster log.</summary>
internal static class LogCommands
{
    private const uint DefaultCount = 50;

    /// <summary>Characters of the longest time, and units of the longest ago, that --since takes.</summary>
    private const int MaxTimeLength = 40, MaxAgo = 1_000_000;

    private static readonly string[] LevelNames = ["debug", "info", "warning", "error"];

    public static Command Build(VivimCommand vivim) => new("log", "What the nodes of a cluster log, for its operators") { Tail(vivim) };

    private static Command Tail(VivimCommand vivim)
    {
        var node = new Option<string?>("--node-name") { Description = "Only records of this node, by its name in 'vivim nodes list'; by default of all nodes", HelpName = "NAME" };
        var level = new Option<string?>("--level") { Description = $"Only records of this level or above: {string.Join(", ", LevelNames)}", HelpName = "LEVEL" };
        level.AcceptOnlyFromAmong(LevelNames);
        var source = new Option<string?>("--source") { Description = "Only records whose source begins like this, e.g. /user/ledger or /system/sharding/pool", HelpName = "PREFIX" };
        var correlation = new Option<string?>("--correlation") { Description = "Only records of this request, by its vivim-correlation-id", HelpName = "ID" };
        var since = new Option<DateTimeOffset?>("--since") { Description = "Only records from then on: a time such as 2026-01-31T12:00:00Z, or how long ago: 90s, 5m, 2h", HelpName = "WHEN", CustomParser = ParseSince };
        var count = new Option<uint?>("--last", "-n") { Description = $"So many of the newest records, at most 1,000; by default {DefaultCount}, with --since 1,000", HelpName = "N" };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what comes, until stopped" };
        var tail = ClusterCommands.Operate(vivim, "tail", "Show the newest log records, and with --follow what comes", async (operation, context, cancellationToken) =>
        {
            var arguments = context.Arguments;
            var begin = arguments.GetValue(since);
            var request = new TailLogRequest
            {
                Node = arguments.GetValue(node) ?? "",
                Level = (LogLevel)(Array.IndexOf(LevelNames, arguments.GetValue(level)) + 1),
                SourcePrefix = arguments.GetValue(source) ?? "",
                CorrelationId = arguments.GetValue(correlation) ?? "",
                Since = begin?.ToUnixTimeMilliseconds() ?? 0,
                Last = arguments.GetValue(count) ?? (begin is null ? DefaultCount : 1_000),
                Follow = arguments.GetValue(follow),
            };
            try
            {
                await foreach (var item in operation.TailLogAsync(request, cancellationToken)) Show(context.Terminal, item);
            }
            catch (OperationCanceledException)
            {
                context.Terminal.Remark($"Stopped.");
            }
        });
        foreach (var option in (Option[])[node, level, source, correlation, since, count, follow]) tail.Options.Add(option);
        return tail;
    }

    private static DateTimeOffset? ParseSince(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (text.Length is > 0 and <= MaxTimeLength && TimeOf(text) is { } since) return since;
        result.AddError($"'{text}' is neither a time such as 2026-01-31T12:00:00Z nor how long ago: 90s, 5m, 2h");
        return null;
    }

    private static DateTimeOffset? TimeOf(string text)
    {
        TimeSpan? unit = text[^1..] switch { "s" => TimeSpan.FromSeconds(1), "m" => TimeSpan.FromMinutes(1), "h" => TimeSpan.FromHours(1), _ => null };
        if (unit is { } one && uint.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= MaxAgo)
            return TimeProvider.System.GetUtcNow() - (number * one);
        var isTime = DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time);
        return isTime && time >= DateTimeOffset.UnixEpoch ? time : null;
    }

    private static void Show(Terminal terminal, TailLogResponse item)
    {
        if (item.Record is not { } record)
        {
            terminal.Show(new { node = item.Node, lost = item.Lost }, text => text.Line($"", $"{item.Node} has dropped {item.Lost} records before they could be shown", $"", Color.Red));
            return;
        }

        var at = DateTimeOffset.FromUnixTimeMilliseconds(record.At);
        var level = record.Level.ToString().ToLowerInvariant();
        var failure = record.FailureType.Length > 0 ? $" {record.FailureType}: {record.FailureMessage}" : "";
        terminal.Show(
            new
            {
                node = item.Node,
                sequence = record.Sequence,
                at,
                level,
                source = record.Source,
                message = record.Message,
                template = record.Template.Length > 0 ? record.Template : record.Message,
                properties = record.Properties.GroupBy(property => property.Name, StringComparer.Ordinal).ToDictionary(same => same.Key, same => same.First().Value, StringComparer.Ordinal),
                correlationId = record.CorrelationId.Length > 0 ? record.CorrelationId : null,
                error = record.FailureType.Length > 0 ? new { type = record.FailureType, message = record.FailureMessage } : null,
            },
            text => text.Line($"{at.ToLocalTime():HH:mm:ss.fff} {item.Node} ", $"{level,-7}", $" {record.Source} {record.Message}{failure}", ColorOf(record.Level)));
    }

    private static Color ColorOf(LogLevel level) => level switch
    {
        LogLevel.Error => Color.Red,
        LogLevel.Warning => Color.Yellow,
        LogLevel.Debug => Color.Grey,
        _ => Color.Green,
    };
}
