using Akka.Actor;
using Vivim.Chain.Sync;
using Vivim.Ledger.Snapshots;
using Vivim.Protocol.Consensus;

namespace Vivim.Chain.StateSync;

/// <summary>A peer that was refused, and why.</summary>
public sealed record RefusedPeer(PeerId Peer, string Reason) : INoSerializationVerificationNeeded;

/// <summary>Where a sync of the state is.</summary>
public enum StateSyncPhase
{
    /// <summary>Asks who has which snapshots.</summary>
    Asking,

    /// <summary>Waits for a manifest.</summary>
    Choosing,

    /// <summary>Gets chunks.</summary>
    Fetching,

    /// <summary>All chunks are here: the ledger takes them.</summary>
    Installing,

    /// <summary>Over, with or without a snapshot: blocks do the rest.</summary>
    Ended,
}

/// <summary>What can happen to <see cref="StateSyncCore"/>.</summary>
public abstract record StateSyncInput
{
    private StateSyncInput()
    {
    }

    /// <summary>To be fed every <see cref="SyncCore.TickInterval"/>.</summary>
    public sealed record Tick : StateSyncInput;

    /// <summary>A message has come from a peer. Nothing about it is trusted.</summary>
    public sealed record Received(PeerId From, SyncMessage.Snapshot Message) : StateSyncInput;

    /// <summary>The answer to <see cref="StateSyncOutput.Begin"/>: these chunks are here from before.</summary>
    public sealed record Found(IReadOnlyList<int> Chunks) : StateSyncInput;

    /// <summary>The answer to <see cref="StateSyncOutput.Install"/>: null when the ledger has the snapshot, else why not.</summary>
    public sealed record Installed(string? Problem) : StateSyncInput;
}

/// <summary>What <see cref="StateSyncCore"/> wants done, in this order.</summary>
public abstract record StateSyncOutput
{
    private StateSyncOutput()
    {
    }

    /// <summary>Tell all peers.</summary>
    public sealed record Broadcast(SyncMessage.Snapshot Message) : StateSyncOutput;

    /// <summary>Send to one peer.</summary>
    public sealed record Send(PeerId To, SyncMessage.Snapshot Message) : StateSyncOutput;

    /// <summary>The manifest holds: say which of its chunks are here.</summary>
    public sealed record Begin(SnapshotManifest Manifest) : StateSyncOutput;

    /// <summary>A chunk holds: keep it.</summary>
    public sealed record Keep(SnapshotManifest Manifest, int Index, byte[] Body) : StateSyncOutput;

    /// <summary>All chunks are kept: install them.</summary>
    public sealed record Install(SnapshotManifest Manifest) : StateSyncOutput;

    /// <summary>A peer sent what it must not; nothing more is asked of it in this sync.</summary>
    public sealed record Blame(PeerId Peer, string Reason) : StateSyncOutput;

    /// <summary>Over: blocks may be asked for.</summary>
    public sealed record End(string Why) : StateSyncOutput;
}
