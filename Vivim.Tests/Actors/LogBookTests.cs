using Akka.Actor;
using Akka.Configuration;
using Vivim.Actors.Logging;
using Vivim.Actors.Supervision;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Actors;

/// <summary>What a node keeps of its log, and its form on the wire.</summary>
[Collection(ActorTests.Collection)]
public sealed class LogBookTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-serializer-");
    private readonly ActorSystem system;

    public LogBookTests() => system = ActorSystem.Create("serializer", ConfigurationFactory.ParseString("akka.loggers = [], akka.stdout-loglevel = OFF").WithFallback(TestSettings.Akka(folder, "OFF")));

    public void Dispose()
    {
        system.Terminate().Wait(TimeSpan.FromSeconds(20));
        system.Dispose();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_reader_gets_every_record_once_and_in_order_or_is_told_how_many_it_has_lost_while_many_write()
    {
        const int writers = 4, each = 5_000;
        var book = new LogBook(64);
        var writing = Enumerable.Range(0, writers).Select(writer => Task.Run(() =>
        {
            for (var i = 0; i < each; i++) book.Append(Record(LogSeverity.Info, $"/user/{writer}", $"{i}"));
        })).ToList();
        var (seen, lost, next) = (new List<LogRecord>(), 0UL, 0UL);
        while (true)
        {
            var isOver = writing.TrueForAll(one => one.IsCompleted);
            var page = book.Read(next, 10, LogFilter.All);
            (lost, next) = (lost + page.Lost, page.Next);
            seen.AddRange(page.Entries);
            if (isOver && page.Entries.Count == 0) break;
        }

        await Task.WhenAll(writing);
        Assert.Equal((ulong)(writers * each), (ulong)seen.Count + lost);
        Assert.Equal(seen.Select(record => record.Sequence).Distinct().Order(), seen.Select(record => record.Sequence));
        Assert.All(seen.GroupBy(record => record.Source), one => Assert.Equal(one.Select(record => int.Parse(record.Message)).Order(), one.Select(record => int.Parse(record.Message))));
        Assert.InRange(seen.Count, 64, writers * each);
    }

    [Fact]
    public void Level_source_time_and_request_leave_out_what_is_not_wanted()
    {
        var book = new LogBook(100);
        var call = new string('a', 32);
        book.Append(Record(LogSeverity.Debug, "/user/ledger", "1"));
        book.Append(Record(LogSeverity.Warning, "/user/ledger", "2", at: 2_000));
        book.Append(Record(LogSeverity.Error, "/user/pool", "3", at: 3_000, correlation: call));

        Assert.Equal(["2", "3"], Messages(LogFilter.All with { Least = LogSeverity.Warning }));
        Assert.Equal(["1", "2"], Messages(LogFilter.All with { SourcePrefix = "/user/l" }));
        Assert.Equal(["3"], Messages(LogFilter.All with { Since = 2_001 }));
        Assert.Equal(["3"], Messages(LogFilter.All with { CorrelationId = call }));
        Assert.Equal(["2", "3"], book.Tail(2, LogFilter.All).Entries.Select(record => record.Message));

        IEnumerable<string> Messages(LogFilter filter) => book.Tail(100, filter).Entries.Select(record => record.Message);
    }

    [Fact]
    public void Every_form_gives_back_what_was_written_and_the_largest_answer_fits_into_a_frame()
    {
        var filter = new LogFilter(LogSeverity.Warning, "/user", 77, new string('f', 32));
        var longest = LogRecord.Of(
            long.MaxValue,
            LogSeverity.Error,
            new string('界', 5_000),
            new string('界', 5_000),
            new string('层', 5_000),
            Enumerable.Repeat(new LogProperty(new string('名', 500), new string('值', 5_000)), 100),
            new string('0', 32),
            new InvalidOperationException(new string('界', 5_000)));
        var forms = new Dictionary<string, object>
        {
            ["read-log/1"] = new ReadLog(-5, ulong.MaxValue, filter),
            ["read-log-tail/1"] = new ReadLogTail(9, LogFilter.All),
            ["log-read/1"] = new LogRead("node-1", int.MinValue, 19, 3, [.. Enumerable.Repeat(longest, ReadLogTail.MaxCount), Record(LogSeverity.Debug, "s", "m")]),
        };
        Assert.Equal(LogSerializer.Forms.Select(form => form.Manifest).Order(), forms.Keys.Order());
        foreach (var (manifest, message) in forms)
        {
            var serializer = Assert.IsType<LogSerializer>(system.Serialization.FindSerializerFor(message));
            Assert.Equal(manifest, serializer.Manifest(message));
            var bytes = serializer.ToBinary(message);
            Assert.InRange(bytes.Length, 1, 24 << 20);
            Assert.Equivalent(message, system.Serialization.Deserialize(bytes, serializer.Identifier, manifest), strict: true);
        }
    }

    private static LogRecord Record(LogSeverity severity, string source, string message, long at = 1_000, string correlation = "") =>
        LogRecord.Of(at, severity, source, message, message, [new LogProperty("Name", "value")], correlation, null);
}
