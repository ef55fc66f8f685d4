namespace Vivim.Benchmarks;

/// <summary>What `-- cluster-state-sync` prints.</summary>
/// <param name="Keys">Of the state.</param>
/// <param name="LoadTxPerSecond">As `vivim load graph` says.</param>
/// <param name="LoadedHeight">The height after which the whole graph is in the state.</param>
/// <param name="SnapshotHeight">Of the snapshot that all other nodes offer; the next multiple of `state-sync.every`.</param>
/// <param name="RestartMs">From the process's start to ready for the same node with all its data: what joining the cluster and hosting entities cost alone.</param>
/// <param name="Ratio">How much longer the start by blocks takes than by a snapshot.</param>
/// <param name="SyncRatio">The same with <paramref name="RestartMs"/> taken off both.</param>
/// <param name="ChainVerify">What the snapshot's node answers to `vivim chain verify`, which needs every block.</param>
/// <param name="VerifiedHeight">By `vivim chain verify` against another node: all blocks executed anew give the state root of the fresh node.</param>
/// <param name="ProvenAccounts">Of the graph's people, read at the fresh node and each proven from the genesis, with as many follows as in the graph.</param>
internal sealed record ClusterStateSyncReport(
    int People,
    long Edges,
    ulong Keys,
    double LoadSeconds,
    double LoadTxPerSecond,
    ulong LoadedHeight,
    ulong SnapshotHeight,
    double RestartMs,
    FreshNode BySnapshot,
    FreshNode ByBlocks,
    double Ratio,
    double SyncRatio,
    PoisonedStart Poisoned,
    CommandAnswer ChainVerify,
    ulong VerifiedHeight,
    int ProvenAccounts,
    string StateRoot,
    int Cores);

/// <summary>A node that came up with nothing but its settings.</summary>
/// <param name="StartToReadyMs">From the process's start to `/readyz`.</param>
/// <param name="Snapshot">What it got; null where it came up by blocks.</param>
/// <param name="OldestBlock">That it has.</param>
/// <param name="Height">At which it has the same block and state root as another node.</param>
/// <param name="Report">Its worker's, in full.</param>
internal sealed record FreshNode(double StartToReadyMs, FetchedSnapshot? Snapshot, ulong OldestBlock, ulong Height, string StateRoot, string Report);

/// <summary>What a node says of its state sync.</summary>
/// <param name="Seconds">From the manifest to the installed state.</param>
/// <param name="Refused">The peers it names.</param>
internal sealed record FetchedSnapshot(ulong Height, double Seconds, int Chunks, long Bytes, IReadOnlyList<string> Refused);

/// <summary>A fresh node between a member that poisons every chunk and one whose snapshots the disk has damaged.</summary>
/// <param name="Poisoner">Its address.</param>
/// <param name="PoisonedChunks">That it sent before it was refused.</param>
/// <param name="Refusal">What the fresh node logs of it.</param>
/// <param name="Damaged">What the node with the damaged disk logs; null where it was asked for nothing, because others were quicker.</param>
internal sealed record PoisonedStart(FreshNode Node, string Poisoner, int PoisonedChunks, string Refusal, string? Damaged);

/// <summary>What a user sees.</summary>
internal sealed record CommandAnswer(int ExitCode, string Text);
