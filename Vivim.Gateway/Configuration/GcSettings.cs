using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using Vivim.Gateway.Workers;

namespace Vivim.Gateway.Configuration;

/// <summary>The node's garbage collector.</summary>
internal sealed record GcSettings(WorkerConfig Config, Schedule Schedule)
{
    /// <exception cref="SettingsException">A value is not possible.</exception>
    public static GcSettings From(SettingsReader reader)
    {
        var section = new WorkerSection(reader, GcWorker.TypeName);
        return new GcSettings(section.ReadConfig(), section.ReadSchedule(GcWorker.FreeSpace));
    }
}
