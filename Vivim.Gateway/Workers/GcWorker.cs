using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Ledger.Storage.Sqlite;

namespace Vivim.Gateway.Workers;

/// <summary>
/// The node's garbage collector, one per node and bound to it. Journals delete what is settled and the ledger drops old blocks by themselves, but
/// their files never get shorter by that: this gives the space back to the file system.
/// </summary>
/// <param name="files">The node's SQLite databases.</param>
/// <param name="schedule">When it collects.</param>
internal sealed class GcWorker(IReadOnlyList<string> files, Schedule schedule) : ServiceWorker
{
    /// <summary>The name of its type.</summary>
    public const string TypeName = "gc";

    /// <summary>Its one job: giving space back. Doing it again finds nothing to do.</summary>
    public const string FreeSpace = "free-space";

    /// <summary>With less left on the disk the node is close to its end.</summary>
    private const long LowDisk = 1L << 30;

    public override IReadOnlyDictionary<string, bool> Jobs { get; } = new Dictionary<string, bool>(StringComparer.Ordinal) { [FreeSpace] = true };

    public override IReadOnlyList<Schedule> Schedules => [schedule];

    /// <exception cref="InvalidDataException">A file cannot be read as a database.</exception>
    public override Task Initialize(CancellationToken cancellationToken)
    {
        foreach (var file in files) SqliteSpace.Measure(file);
        return Task.CompletedTask;
    }

    public override Task Start(CancellationToken cancellationToken) => Task.CompletedTask;

    public override Task Stop(CancellationToken cancellationToken) => Task.CompletedTask;

    public override async Task<string> Execute(TaskAttempt attempt, CancellationToken cancellationToken)
    {
        var freed = new List<(string File, long Bytes)>();
        foreach (var file in files) freed.Add((file, await SqliteSpace.Free(file, cancellationToken)));
        var parts = freed.Where(f => f.Bytes > 0).Select(f => $"{Path.GetFileName(f.File)} {f.Bytes}").ToList();
        return parts.Count == 0 ? $"nothing to free in {files.Count} files" : $"freed {freed.Sum(f => f.Bytes)} bytes: {string.Join(", ", parts)}";
    }

    public override Task<WorkerHealth> CheckHealth(CancellationToken cancellationToken)
    {
        var spaces = files.Select(file => (File: file, Space: SqliteSpace.Measure(file))).ToList();
        var left = new DriveInfo(Path.GetFullPath(files[0])).AvailableFreeSpace;
        if (left < LowDisk) return Task.FromResult(new WorkerHealth(HealthStatus.Degraded, $"only {left >> 20} MiB are left on the disk"));
        // Files of earlier versions keep what is free for themselves, until they are made anew.
        var kept = spaces.Where(s => !s.Space.CanShrink && s.Space.FreePages > SqliteSpace.Reserve).Select(s => Path.GetFileName(s.File)).ToList();
        return Task.FromResult(kept.Count > 0
            ? new WorkerHealth(HealthStatus.Degraded, $"made by an earlier version, cannot get shorter: {string.Join(", ", kept)}")
            : new WorkerHealth(HealthStatus.Healthy, $"{files.Count} files can be read, {spaces.Sum(s => s.Space.FreePages * s.Space.PageSize)} bytes in them are free"));
    }
}
