using Microsoft.Data.Sqlite;
using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Gateway.Workers;
using Vivim.Ledger.Storage.Sqlite;

namespace Vivim.Tests.Workers;

/// <summary>The garbage collector on real files.</summary>
public sealed class GcWorkerTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-gc-");

    private string Database => Path.Combine(folder.FullName, "some.db");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task What_was_deleted_is_given_back_while_somebody_else_writes()
    {
        using var writer = SqliteDatabase.OpenWriter(Database, "CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB); CREATE TABLE kept (id INTEGER PRIMARY KEY)");
        Run(writer, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT i, randomblob(1000) FROM n");
        Run(writer, "DELETE FROM t WHERE id > 1000");
        Run(writer, "PRAGMA wal_checkpoint(TRUNCATE)");
        var before = new FileInfo(Database).Length;

        using var stop = new CancellationTokenSource();
        var written = 0;
        var writing = Task.Run(() =>
        {
            // As a node does, which has pauses: who writes without any leaves the file to nobody else.
            for (; !stop.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(5)); written++) Run(writer, $"INSERT INTO kept VALUES ({written})");
        });
        var worker = Worker();
        var outcome = await worker.Execute(new TaskAttempt("gc/1", 1, 1, GcWorker.FreeSpace, ""), CancellationToken.None);
        await stop.CancelAsync();
        await writing;

        Run(writer, "PRAGMA wal_checkpoint(TRUNCATE)");
        var after = new FileInfo(Database).Length;
        Assert.True(before > 20_000_000 && after < 5_000_000, $"{before} -> {after}: {outcome}");
        Assert.StartsWith("freed ", outcome, StringComparison.Ordinal);
        Assert.True(written > 10, $"{written} writes beside it");
        Assert.Equal("ok", Run(writer, "PRAGMA integrity_check"));
        Assert.Equal(1_000L, Run(writer, "SELECT count(*) FROM t"));
        Assert.Equal((long)written, Run(writer, "SELECT count(*) FROM kept"));
        Assert.Equal("nothing to free in 1 files", await worker.Execute(new TaskAttempt("gc/2", 1, 1, GcWorker.FreeSpace, ""), CancellationToken.None));
    }

    [Fact]
    public async Task Its_health_tells_of_a_file_that_cannot_be_read_and_of_one_that_cannot_get_shorter()
    {
        using (var old = new SqliteConnection($"Data Source={Database};Pooling=False"))
        {
            old.Open();
            Run(old, "CREATE TABLE t (data BLOB)");
            Run(old, "INSERT INTO t VALUES (randomblob(4000000))");
            Run(old, "DELETE FROM t");
        }

        var worker = Worker();
        await worker.Initialize(CancellationToken.None);
        var health = await worker.CheckHealth(CancellationToken.None);
        Assert.Equal((HealthStatus.Degraded, "made by an earlier version, cannot get shorter: some.db"), (health.Status, health.Message));

        await File.WriteAllTextAsync(Database, new string('x', 10_000));
        var damaged = await Assert.ThrowsAsync<InvalidDataException>(async () => await worker.CheckHealth(CancellationToken.None));
        Assert.Contains("some.db", damaged.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidDataException>(async () => await worker.Execute(new TaskAttempt("gc/1", 1, 1, GcWorker.FreeSpace, ""), CancellationToken.None));
        await Assert.ThrowsAsync<InvalidDataException>(async () => await worker.Initialize(CancellationToken.None));
    }

    private static object Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar()!;
    }

    private GcWorker Worker() => new([Database], new Schedule("s", GcWorker.FreeSpace, "", new IntervalTimes(1_000), MissedRuns.Skip));
}
