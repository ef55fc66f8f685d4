using Akka.Actor;
using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Ledger.Snapshots;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Ledger;

/// <summary>Runs a read on the ledger's own thread and answers with its result. Never leaves the node.</summary>
public sealed record ReadLedger(Func<NodeLedger, object> Read) : INoSerializationVerificationNeeded;

/// <summary>May this block follow the tip? Answered by <see cref="BlockJudged"/>.</summary>
public sealed record JudgeBlock(Block Block) : INoSerializationVerificationNeeded;

/// <summary>Answer to <see cref="JudgeBlock"/>: null when it may, else why not.</summary>
public sealed record BlockJudged(string? Problem) : INoSerializationVerificationNeeded;

/// <summary>Execute and store a decided block; answered by <see cref="BlockCommitted"/> when it is durable, and not at all where its height is committed already.</summary>
public sealed record CommitBlock(Block Block, CommitCertificate Certificate) : INoSerializationVerificationNeeded;

/// <summary>A block is final, executed and durable on this node. Also published on the node's event stream.</summary>
/// <param name="HasUncertifiedState">The block changed the state, so a next one is needed to certify it.</param>
/// <param name="NextNonces">The next nonce of every sender in the block.</param>
/// <param name="RegistrationsLeft">How many registrations the next block may include.</param>
/// <param name="Evidence">The evidence in the block.</param>
public sealed record BlockCommitted(ChainTip Tip, bool HasUncertifiedState, IReadOnlyList<Receipt> Receipts, IReadOnlyDictionary<Did, ulong> NextNonces, uint RegistrationsLeft, IReadOnlyList<Evidence> Evidence) : INoSerializationVerificationNeeded;

/// <summary>Put a verified snapshot in the place of the chain; answered by <see cref="SnapshotInstalled"/>.</summary>
/// <param name="Rows">Keys and values of its chunks, which are read on the ledger's thread.</param>
public sealed record InstallSnapshot(SnapshotManifest Manifest, IEnumerable<KeyValuePair<byte[], byte[]>> Rows) : INoSerializationVerificationNeeded;

/// <summary>Answer to <see cref="InstallSnapshot"/>: null when it is durable, else why it was not begun.</summary>
public sealed record SnapshotInstalled(string? Problem) : INoSerializationVerificationNeeded;

/// <summary>The state database holds the state after a height. Published on the node's event stream.</summary>
public sealed record StateFlushed(ulong Height) : INoSerializationVerificationNeeded;

/// <summary>Published on the node's event stream when it cannot go on; the host stops with this sentence.</summary>
public sealed record NodeFault(string Reason) : INoSerializationVerificationNeeded;
