namespace Vivim.Faults.Cluster;

/// <summary>How a cluster is made.</summary>
/// <param name="Nodes">Node i is at home to validator i.</param>
/// <param name="ClockOffsets">How much a node's clock is ahead, by node; none by default.</param>
/// <param name="SmallDisk">The node whose data folder is a small disk of its own, which needs root; 0 for none.</param>
/// <param name="Settings">More settings of every node, as in the section <c>vivim {}</c>.</param>
internal sealed record ClusterShape(int Nodes = 4, IReadOnlyDictionary<int, TimeSpan>? ClockOffsets = null, int SmallDisk = 0, string Settings = "");
