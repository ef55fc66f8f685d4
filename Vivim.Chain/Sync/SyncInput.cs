using Akka.Actor;
using Vivim.Ledger.Execution;
using Vivim.Protocol.Consensus;

namespace Vivim.Chain.Sync;

/// <summary>Another node, as whoever delivers messages names it.</summary>
public readonly record struct PeerId(string Value)
{
    public override string ToString() => Value;
}

/// <summary>How far behind its peers a node is.</summary>
/// <param name="Height">Its own.</param>
/// <param name="NetworkHeight">The highest that it has heard of, or its own.</param>
/// <param name="Peers">How many it has heard of.</param>
/// <param name="Remaining">When it will have caught up at the pace of the last seconds: zero when it has, null while that cannot be told.</param>
public sealed record SyncProgress(ulong Height, ulong NetworkHeight, int Peers, TimeSpan? Remaining) : INoSerializationVerificationNeeded;

/// <summary>What can happen to <see cref="SyncCore"/>.</summary>
public abstract record SyncInput
{
    private SyncInput()
    {
    }

    /// <summary>The node's ledger is at this tip: once at the start, then after every commit.</summary>
    public sealed record TipReached(ChainTip Tip) : SyncInput;

    /// <summary>A message has come from a peer. Nothing about it is trusted.</summary>
    public sealed record Received(PeerId From, SyncMessage Message) : SyncInput;

    /// <summary>To be fed every <see cref="SyncCore.TickInterval"/>.</summary>
    public sealed record Tick : SyncInput;

    /// <summary>From now on blocks are, or are not, asked for.</summary>
    public sealed record Hold(bool IsHeld) : SyncInput;
}

/// <summary>What <see cref="SyncCore"/> wants done, in this order.</summary>
public abstract record SyncOutput
{
    private SyncOutput()
    {
    }

    /// <summary>Tell all peers.</summary>
    public sealed record Broadcast(SyncMessage Message) : SyncOutput;

    /// <summary>Send to one peer.</summary>
    public sealed record Send(PeerId To, SyncMessage Message) : SyncOutput;

    /// <summary>Read stored blocks from this height on and send them as one <see cref="SyncMessage.Blocks"/>.</summary>
    public sealed record Serve(PeerId To, ulong From) : SyncOutput;

    /// <summary>The certificate holds: execute the block.</summary>
    public sealed record Commit(CertifiedBlock Block) : SyncOutput;

    /// <summary>A peer sent what it must not; nothing is asked of it for a while.</summary>
    public sealed record Blame(PeerId Peer, string Reason) : SyncOutput;
}
