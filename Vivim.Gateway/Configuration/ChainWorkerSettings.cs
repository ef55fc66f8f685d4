using Vivim.Actors.Workers;
using Vivim.Gateway.Workers;

namespace Vivim.Gateway.Configuration;

/// <summary>The workers of the chain's own entities.</summary>
internal sealed record ChainWorkerSettings(WorkerConfig Pool, WorkerConfig BlockMaker, WorkerConfig Validator)
{
    /// <exception cref="SettingsException">A value is not possible.</exception>
    public static ChainWorkerSettings From(SettingsReader reader) => new(
        new WorkerSection(reader, ChainWorker.Pool).ReadConfig(),
        new WorkerSection(reader, ChainWorker.BlockMaker).ReadConfig(),
        new WorkerSection(reader, ChainWorker.Validator).ReadConfig());
}
