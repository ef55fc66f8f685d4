using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Gateway.Workers;
using Vivim.Ledger.Backups;

namespace Vivim.Gateway.Configuration;

/// <summary>The node's backups.</summary>
/// <param name="Keep">How many of this node are kept.</param>
/// <param name="Check">How far each is verified after it was made.</param>
/// <param name="OldAfter">A newest backup older than this makes the worker's health degraded.</param>
internal sealed record BackupSettings(string Directory, int Keep, BackupCheck Check, TimeSpan OldAfter, WorkerConfig Config, Schedule Schedule)
{
    private const int MaxKeep = 10_000;

    /// <summary>Null where no directory is set: then there are none.</summary>
    /// <exception cref="SettingsException">A value is not possible.</exception>
    public static BackupSettings? From(SettingsReader reader)
    {
        var section = new WorkerSection(reader, BackupWorker.TypeName);
        var check = reader.OneOf("workers.backup.verify", "restore", "chain") == "chain" ? BackupCheck.Chain : BackupCheck.Restore;
        if (check == BackupCheck.Chain && reader.Text("ledger.keep-blocks") != "0") throw reader.Wrong("workers.backup.verify", "chain", "restore, as ledger.keep-blocks is set: without its first blocks a chain cannot be executed again");
        var settings = new BackupSettings(
            reader.Text("workers.backup.directory"),
            (int)reader.Number("workers.backup.keep", 1, MaxKeep),
            check,
            reader.Duration("workers.backup.old-after", TimeSpan.FromSeconds(1), TimeSpan.FromDays(366)),
            section.ReadConfig(),
            section.ReadSchedule(BackupWorker.Create));
        return settings.Directory.Length == 0 ? null : settings;
    }
}
