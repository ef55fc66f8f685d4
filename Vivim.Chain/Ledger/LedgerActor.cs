using Akka.Actor;
using Akka.Event;
using Vivim.Chain.Pool;
using Vivim.Ledger;
using Vivim.Ledger.State;
using Vivim.Ledger.Storage;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Ledger;

/// <summary>
/// The node's one ledger, on a thread of its own: executes decided blocks, judges proposed ones, answers reads. A write that fails leaves memory
/// and disk apart, so the node stops instead of going on.
/// </summary>
public sealed class LedgerActor : ReceiveActor
{
    /// <summary>The pinned dispatcher it runs on.</summary>
    public const string Dispatcher = "vivim-dispatchers.ledger";

    /// <summary>How often old blocks are dropped, in heights, where the node does not keep all.</summary>
    private const ulong RetentionInterval = 100;

    private readonly ILoggingAdapter log = Context.GetLogger();
    private readonly NodeLedger ledger;
    private readonly VerifiedSignatures verified;
    private readonly ulong keepBlocks;
    private readonly ulong snapshotEvery;
    private bool isFlushing;

    /// <param name="keepBlocks">Heights to keep; 0 keeps all.</param>
    /// <param name="snapshotEvery">The state is flushed at every multiple of this height too, so that a snapshot can be cut there; 0 for none.</param>
    public LedgerActor(NodeLedger ledger, VerifiedSignatures verified, ulong keepBlocks, ulong snapshotEvery = 0)
    {
        this.ledger = ledger;
        this.verified = verified;
        this.keepBlocks = keepBlocks;
        this.snapshotEvery = snapshotEvery;
        Receive<ReadLedger>(Answer);
        Receive<JudgeBlock>(message => Sender.Tell(new BlockJudged(ledger.Validate(message.Block, verified.Contains))));
        Receive<CommitBlock>(Commit);
        Receive<FlushWritten>(OnFlushed);
        Receive<InstallSnapshot>(Install);
        Receive<FlushFailed>(failed => Fail($"the state database cannot be written: {failed.Cause.GetBaseException().Message}"));
    }

    private sealed record FlushWritten(LedgerState.Flush Flush) : INoSerializationVerificationNeeded;

    private sealed record FlushFailed(Exception Cause) : INoSerializationVerificationNeeded;

    private void Answer(ReadLedger message)
    {
        try
        {
            Sender.Tell(message.Read(ledger));
        }
        catch (Exception e)
        {
            // The reader's mistake or a pruned height, not the ledger's state: it goes back to who asked.
            Sender.Tell(new Status.Failure(e));
        }
    }

    private void Commit(CommitBlock message)
    {
        // Every validator of the node decides a height, and it may come from a peer as well.
        if (message.Block.Header.Height <= ledger.Tip.Height) return;

        IReadOnlyList<Receipt> receipts;
        try
        {
            receipts = ledger.Commit(message.Block, message.Certificate, verified.Contains).Receipts;
        }
        catch (Exception e)
        {
            Fail($"block {message.Block.Header.Height} cannot be committed: {e.Message}");
            throw;
        }

        var committed = new BlockCommitted(ledger.Tip, ledger.HasUncertifiedState, receipts, NextNonces(message.Block), ledger.RegistrationsLeft, message.Block.Evidence);
        Sender.Tell(committed);
        Context.System.EventStream.Publish(committed);
        log.Info("committed height {Height}: {Transactions} transactions, state root {StateRoot}", ledger.Tip.Height, receipts.Count, ledger.Tip.StateRoot);
        if (keepBlocks > 0 && ledger.Tip.Height % RetentionInterval == 0 && ledger.Tip.Height > keepBlocks) ledger.DropBlocksBelow(ledger.Tip.Height - keepBlocks + 1);
        if (ledger.FlushIsDue || (snapshotEvery > 0 && ledger.Tip.Height % snapshotEvery == 0)) StartFlush();
    }

    private void Install(InstallSnapshot message)
    {
        if (isFlushing || message.Manifest.Height <= ledger.Tip.Height)
        {
            Sender.Tell(new SnapshotInstalled(isFlushing ? "the state database is being written" : $"the chain has come to height {ledger.Tip.Height} by itself"));
            return;
        }

        try
        {
            ledger.Install(message.Manifest, message.Rows);
        }
        catch (Exception e)
        {
            Fail($"the snapshot of height {message.Manifest.Height} cannot be installed: {e.Message}: start the node again, it begins with an empty chain");
            throw;
        }

        var block = Block.FromBytes(message.Manifest.Base.Block);
        var receipts = StoredReceipts.Decode(message.Manifest.Base.Receipts);
        Context.System.EventStream.Publish(new BlockCommitted(ledger.Tip, ledger.HasUncertifiedState, receipts, NextNonces(block), ledger.RegistrationsLeft, block.Evidence));
        log.Info("installed the state of height {0} from a snapshot: {1} keys, state root {2}", ledger.Tip.Height, ledger.KeyCount, ledger.Tip.StateRoot);
        Sender.Tell(new SnapshotInstalled(null));
    }

    private void OnFlushed(FlushWritten message)
    {
        isFlushing = false;
        ledger.CompleteFlush(message.Flush);
        Context.System.EventStream.Publish(new StateFlushed(message.Flush.Height));
    }

    private void StartFlush()
    {
        if (ledger.BeginFlush() is not { } flush) return;
        isFlushing = true;
        Task.Factory.StartNew(
            () =>
            {
                ledger.WriteFlush(flush);
                return new FlushWritten(flush);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).PipeTo(Self, failure: e => new FlushFailed(e));
    }

    private static void Fail(string reason) => Context.System.EventStream.Publish(new NodeFault(reason));

    private static Dictionary<Did, ulong> NextNonces(Block block)
    {
        var next = new Dictionary<Did, ulong>();
        foreach (var envelope in block.Transactions)
        {
            if (Transaction.TryDecode(envelope, out var transaction, out _)) next[transaction.Sender] = transaction.Nonce + 1;
        }

        return next;
    }
}
