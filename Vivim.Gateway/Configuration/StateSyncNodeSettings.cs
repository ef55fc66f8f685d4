using Vivim.Actors.Workers;
using Vivim.Chain.StateSync;
using Vivim.Gateway.Node;
using Vivim.Gateway.Workers;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Genesis;

namespace Vivim.Gateway.Configuration;

/// <summary>Snapshots of the state: which a node takes and makes.</summary>
/// <param name="IsEnabled">Whether it takes one at its start.</param>
/// <param name="Least">Heights by which it must be ahead.</param>
/// <param name="Every">Made at multiples of this height; 0 for none.</param>
/// <param name="Keep">How many are kept.</param>
/// <param name="Config">Of its worker.</param>
internal sealed record StateSyncNodeSettings(bool IsEnabled, ulong Least, ulong Every, int Keep, WorkerConfig Config)
{
    /// <exception cref="SettingsException">A value is not possible.</exception>
    public static StateSyncNodeSettings From(SettingsReader reader) => new(
        reader.Flag("state-sync.enabled"),
        (ulong)reader.Number("state-sync.least-ahead", 1, int.MaxValue),
        (ulong)reader.Number("state-sync.every", 0, int.MaxValue),
        (int)reader.Number("state-sync.keep", 1, SyncMessage.MaxOffers),
        new WorkerSection(reader, StateSyncWorker.TypeName).ReadConfig());

    /// <summary>For the node with this folder; one that has no others to talk to neither takes nor makes any.</summary>
    public StateSyncSettings Of(GenesisFile genesis, NodeFolder folder, bool hasPeers) =>
        new(genesis, IsEnabled && hasPeers, Least, hasPeers ? Every : 0, Keep, folder.Snapshots, folder.Staging, folder.StateDatabase);
}
