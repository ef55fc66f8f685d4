using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Vivim.Gateway.Logging;
using Vivim.Tests.Cli;

namespace Vivim.Tests.Gateway;

/// <summary>Whatever callers send, a record of the node's log is one line, and nothing in it is for the terminal to obey.</summary>
public sealed class LogFormatTests
{
    private readonly SetTime clock = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void A_line_of_text_is_one_line_whatever_is_logged()
    {
        var line = Format(new TextLineFormatter(clock));
        Assert.Matches(@"^\d\d:00:00\.000 warn: A\.Category\[0\] task \\u\{1B\}\]0;PWNED", line);
        Assert.Contains($"red]markup[/]{{0}}\\u{{E0041}} \\u{{9}} {HostileNode.FeignedLine} line is in doubt System.InvalidOperationException: \\u{{1B}}", line, StringComparison.Ordinal);
        AssertOneHarmlessLine(line);
    }

    [Fact]
    public void A_line_of_json_is_one_line_and_has_the_text_as_it_came()
    {
        var line = Format(new JsonLineFormatter(TestSettings.Of(), clock));
        AssertOneHarmlessLine(line);
        var error = JsonDocument.Parse(line).RootElement.GetProperty("error");
        Assert.Contains(HostileNode.Text, error.GetProperty("stack").GetString(), StringComparison.Ordinal);
    }

    private static string Format(ConsoleFormatter formatter)
    {
        using var written = new StringWriter();
        var message = $"task {HostileNode.Text} is in doubt";
        formatter.Write(new LogEntry<string>(LogLevel.Warning, "A.Category", 0, message, new InvalidOperationException(HostileNode.Text), (state, _) => state), null, written);
        return written.ToString();
    }

    private static void AssertOneHarmlessLine(string printed)
    {
        Assert.EndsWith("\n", printed, StringComparison.Ordinal);
        Assert.Empty(ForbiddenCharacters.In(printed[..^1]));
    }
}
