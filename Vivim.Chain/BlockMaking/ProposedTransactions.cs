using Akka.Event;
using Vivim.Actors.Telemetry;
using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;

namespace Vivim.Chain.BlockMaking;

/// <summary>Tells, in traces and in the log, of the followed transactions in a block maker's own blocks: that they are in one, and that it is committed. Memory only.</summary>
internal sealed class ProposedTransactions(ILoggingAdapter log)
{
    // Of the newest height: a block that others have outvoted is not committed, and what was in it is proposed again.
    private readonly List<(Hash256 BlockId, FollowedTransaction One, DateTimeOffset Since)> waiting = [];
    private ulong height;

    /// <summary>The block is made and stored.</summary>
    /// <param name="begun">When its making began.</param>
    public void Include(Block block, IReadOnlyList<FollowedTransaction> followed, DateTimeOffset begun)
    {
        var header = block.Header;
        if (header.Height != height) waiting.Clear();
        height = header.Height;
        foreach (var one in followed)
        {
            var span = TransactionTrace.Record(
                "block include", one.TraceParent, begun, new("vivim.transaction", one.TransactionId.ToString()), new("vivim.height", (long)header.Height), new("vivim.round", (int)header.Round));
            waiting.Add((block.Id, one with { TraceParent = span }, TransactionTrace.Begin()));
            log.Debug("transaction {TransactionId} is in the block proposed for height {Height}, round {Round}, correlation {CorrelationId}", one.TransactionId, header.Height, header.Round, TransactionTrace.CorrelationOf(span));
        }
    }

    public void Commit(BlockCommitted committed)
    {
        if (committed.Tip.Height < height) return;
        foreach (var (_, one, since) in waiting.Where(proposed => proposed.BlockId == committed.Tip.BlockId))
        {
            TransactionTrace.Record("block commit", one.TraceParent, since, new("vivim.transaction", one.TransactionId.ToString()), new("vivim.height", (long)committed.Tip.Height));
            log.Debug("transaction {TransactionId} is committed at height {Height}, correlation {CorrelationId}", one.TransactionId, committed.Tip.Height, TransactionTrace.CorrelationOf(one.TraceParent));
        }

        waiting.Clear();
    }
}
