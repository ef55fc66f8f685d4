using Akka.Actor;

namespace Vivim.Chain.StateSync;

/// <summary>Published on the node's event stream once in its life, when blocks may be asked for: a snapshot is installed, or none is needed or to be had.</summary>
public sealed record StateSyncEnded(string Why) : INoSerializationVerificationNeeded;

/// <summary>Other nodes can be reached: begin. Sent once.</summary>
public sealed record BeginStateSync : INoSerializationVerificationNeeded;

/// <summary>Answered by <see cref="StateSyncEnded"/>, at once, where that has been published.</summary>
public sealed record HasStateSyncEnded : INoSerializationVerificationNeeded;

/// <summary>What has state sync done and what can it offer? Answered by <see cref="StateSyncStatus"/>.</summary>
public sealed record ReadStateSync : INoSerializationVerificationNeeded;

/// <summary>What a node has got by state sync.</summary>
/// <param name="Height">After which the state is.</param>
/// <param name="Chunks">Of which it was made; <paramref name="Reused"/> of them were here from before.</param>
/// <param name="Bytes">That came over the network.</param>
/// <param name="Took">From the manifest to the installed state.</param>
public sealed record StateSyncResult(ulong Height, int Chunks, int Reused, long Bytes, TimeSpan Took) : INoSerializationVerificationNeeded;

/// <summary>A node's state sync, both ways.</summary>
/// <param name="Ended">Why its own sync is over; null while it goes on.</param>
/// <param name="Missing">Chunks still to come.</param>
/// <param name="Result">Null where the node came up by blocks.</param>
/// <param name="Refused">The peers that sent what does not hold, each with what that was.</param>
/// <param name="Every">Snapshots are made at multiples of this height; 0 for none.</param>
/// <param name="Newest">Height, chunks and bytes of the newest snapshot offered.</param>
/// <param name="Behind">Heights since then.</param>
/// <param name="ChunksServed">To other nodes, since the start.</param>
/// <param name="Problem">Why the last snapshot could not be made, or is no longer offered; null where neither is so.</param>
public sealed record StateSyncStatus(
    StateSyncPhase Phase,
    string? Ended,
    int Missing,
    StateSyncResult? Result,
    IReadOnlyList<RefusedPeer> Refused,
    ulong Every,
    (ulong Height, int Chunks, long Bytes)? Newest,
    ulong Behind,
    long ChunksServed,
    long BytesServed,
    string? Problem) : INoSerializationVerificationNeeded;
