using System.Globalization;
using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Gateway.Node;
using Vivim.Ledger.Backups;

namespace Vivim.Gateway.Workers;

/// <summary>Makes the node's backups and restores each to verify it; one per node and bound to it.</summary>
internal sealed class BackupWorker(NodeBackups backups) : ServiceWorker
{
    /// <summary>The name of its type.</summary>
    public const string TypeName = "backup";

    /// <summary>Its one job. Done again by the same key it finds the backup that it has made.</summary>
    public const string Create = "create";

    public override IReadOnlyDictionary<string, bool> Jobs { get; } = new Dictionary<string, bool>(StringComparer.Ordinal) { [Create] = true };

    public override IReadOnlyList<Schedule> Schedules => [backups.Settings.Schedule];

    /// <exception cref="BackupException">The directory cannot be written.</exception>
    public override Task Initialize(CancellationToken cancellationToken)
    {
        backups.Directory.RequireWritable();
        return Task.CompletedTask;
    }

    public override Task Start(CancellationToken cancellationToken) => Task.CompletedTask;

    public override Task Stop(CancellationToken cancellationToken) => Task.CompletedTask;

    public override async Task<string> Execute(TaskAttempt attempt, CancellationToken cancellationToken)
    {
        var made = await backups.Make(attempt.Key, cancellationToken);
        return string.Create(CultureInfo.InvariantCulture, $"{made.Path}: height {made.Manifest.Height}, state root {made.Manifest.StateRoot}, {made.Manifest.Size} bytes, verified by restoring");
    }

    public override Task<WorkerHealth> CheckHealth(CancellationToken cancellationToken)
    {
        backups.Directory.RequireWritable();
        var newest = backups.Newest();
        // The next will not be smaller.
        backups.Directory.RequireSpace(newest?.Size ?? 0);
        var age = backups.Age(newest);
        var health = newest is null
            ? $"there is no backup yet in {backups.Directory.Path}"
            : string.Create(CultureInfo.InvariantCulture, $"the newest backup is of height {newest.Height}, {age.TotalHours:0.0} hours old");
        return Task.FromResult(new WorkerHealth(age > backups.Settings.OldAfter ? HealthStatus.Degraded : HealthStatus.Healthy, health));
    }
}
