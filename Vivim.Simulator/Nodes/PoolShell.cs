using Vivim.Chain.Pool;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Genesis;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;
using Vivim.Simulator.Storage;

namespace Vivim.Simulator.Nodes;

/// <summary>What became of a submitted transaction.</summary>
internal enum Submission
{
    /// <summary>It is durable here, or committed.</summary>
    Acknowledged,

    /// <summary>It will not be taken now.</summary>
    Refused,
}

/// <summary>The node's pool: what the eight partitions are in a real node. Nothing is acknowledged before the journal has it.</summary>
internal sealed class PoolShell
{
    private readonly World world;
    private readonly Node node;
    private readonly PoolCore core;
    private readonly Dictionary<Hash256, List<Action<Submission>>> writing = [];

    public PoolShell(World world, Node node)
    {
        this.world = world;
        this.node = node;
        core = new PoolCore(world.Genesis.ChainId, world.Genesis.Parameters, new PoolLimits(1_000, 1 << 20), node.Ledger.PoolTip);
        foreach (var (sequenceNr, transaction) in node.PoolFile.Entries)
        {
            // A backup brings back a chain that lacks what the journal no longer holds; what it holds was acknowledged.
            if (!node.Ledger.IsCommitted(transaction.Id)) core.Recover(transaction, node.Ledger.Sender(transaction.Sender).Account, sequenceNr);
        }

        core.SkipTo(node.PoolFile.Last);
        RequireRoom(core.EndRecovery());
    }

    /// <summary>Takes a transaction.</summary>
    /// <param name="answer">Is told once, unless the node crashes before it knows.</param>
    public void Submit(Transaction transaction, Action<Submission> answer)
    {
        if (node.Ledger.IsCommitted(transaction.Id))
        {
            answer(Submission.Acknowledged);
            return;
        }

        if (writing.TryGetValue(transaction.Id, out var waiters))
        {
            waiters.Add(answer);
            return;
        }

        var admission = core.Admit(transaction, node.Ledger.Sender(transaction.Sender));
        RequireRoom(admission.Dropped);
        if (admission.Admit) Write(transaction, answer);
        else answer(admission.Refusal is null ? Submission.Acknowledged : Submission.Refused);
    }

    public IEnumerable<Transaction> Reap(ChainParameters parameters) =>
        core.Reap((int)parameters.MaxBlockTransactions, parameters.MaxBlockBytes).Select(envelope => world.Find(envelope)!);

    public void OnCommitted(Block block)
    {
        var next = new Dictionary<Did, ulong>();
        foreach (var envelope in block.Transactions)
        {
            if (world.Find(envelope) is { } transaction) next[transaction.Sender] = transaction.Nonce + 1;
        }

        core.OnCommitted(node.Ledger.PoolTip, next);
        node.PoolFile.TrimTo(core.SettledUpTo);
        if (core.HasWork) node.OnWork();
    }

    /// <summary>All that simulated people ever send has room in a pool: what is acknowledged here is never dropped.</summary>
    private static void RequireRoom(IReadOnlyList<DroppedTransaction> dropped)
    {
        if (dropped.Count > 0) throw new InvalidOperationException($"a simulated pool has dropped {dropped.Count} transactions, the first {dropped[0]}");
    }

    private void Write(Transaction transaction, Action<Submission> answer)
    {
        writing[transaction.Id] = [answer];
        var sequenceNr = 0L;
        node.Disk.Begin(StoreKind.Pool, () => node.PoolFile.Append(sequenceNr = node.PoolFile.Last + 1, transaction), isAcknowledged =>
        {
            writing.Remove(transaction.Id, out var waiters);
            if (!isAcknowledged)
            {
                // A partition whose write is refused stops, acknowledges nothing, and reads its journal back.
                node.RestartPool();
                return;
            }

            core.MarkDurable([transaction.Id], sequenceNr);
            foreach (var waiter in waiters!) waiter(Submission.Acknowledged);
            if (waiters[0] == answer) Gossip(transaction);
            if (core.HasWork) node.OnWork();
        });
    }

    /// <summary>Tells the others, once: what they miss this node proposes itself.</summary>
    private void Gossip(Transaction transaction)
    {
        for (var other = 0; other < world.Nodes.Count; other++)
        {
            if (other != node.Index) world.Network.Send(node.Index, other, transaction);
        }
    }
}
