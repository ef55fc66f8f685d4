using Vivim.Chain.Pool;
using Vivim.Ledger;
using Vivim.Ledger.Execution;
using Vivim.Protocol;
using Vivim.Protocol.Blocks;
using Vivim.Protocol.Consensus;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;
using Vivim.Simulator.Oracle;
using Vivim.Simulator.Storage;

namespace Vivim.Simulator.Nodes;

/// <summary>The node's ledger: what the ledger actor is in a real node.</summary>
internal sealed class LedgerShell
{
    private const long NoHistory = 0;

    private readonly World world;
    private readonly Node node;
    private readonly NodeLedger ledger;

    public LedgerShell(World world, Node node)
    {
        this.world = world;
        this.node = node;
        ledger = new NodeLedger(world.Genesis, node.ChainFile, new StateFile(), world.Scheme, NoHistory);
        LastEvidence = node.ChainFile.Read(ledger.Tip.Height) is { } record ? Block.FromBytes(record.Block).Evidence : [];
    }

    public ChainTip Tip => ledger.Tip;

    /// <summary>What the pool must know of the chain.</summary>
    public PoolTip PoolTip => PoolTip.Of(ledger);

    public bool HasUncertifiedState => ledger.HasUncertifiedState;

    /// <summary>The evidence of the last block.</summary>
    public IReadOnlyList<Evidence> LastEvidence { get; private set; }

    public string? Validate(Block block) => ledger.Validate(block, IsKnown);

    public SenderState Sender(in Did sender) => SenderState.Read(ledger.State, sender, ledger.Tip.Validators);

    public Block Assemble(uint round, long time, IReadOnlyList<Evidence> evidence) => ledger.Assemble(Candidates(), evidence, round, time, node.Key.PublicKey);

    /// <summary>Where a transaction has been included, or null.</summary>
    public bool IsCommitted(in Hash256 id) => node.ChainFile.Find(id) is not null;

    /// <summary>Commits a block in its turn. What is committed already, by whomever, is not committed again.</summary>
    public void Commit(Block block, CommitCertificate certificate)
    {
        var done = false;
        node.Disk.Begin(StoreKind.Chain, () => done = Execute(block, certificate), isAcknowledged =>
        {
            // Memory and disk could differ: the node stops.
            if (!isAcknowledged) node.PowerFails();
            else if (done) Announce(block);
        });
    }

    private bool IsKnown(TransactionEnvelope envelope) => world.Find(envelope) is not null;

    private IEnumerable<Transaction> Candidates() => node.Pool.Reap(ledger.Tip.System.Parameters);

    private bool Execute(Block block, CommitCertificate certificate)
    {
        if (block.Header.Height <= ledger.Tip.Height) return false;
        try
        {
            ledger.Commit(block, certificate, IsKnown);
        }
        catch (InvalidBlockException e)
        {
            // A liar may well be told two things: it says two things itself.
            if (node.Traitor is not null) return false;
            throw new ViolationException("commit-refused", $"n{node.Index} was told to commit {block.Header.Height} {block.Id}: {e.Message}");
        }

        LastEvidence = block.Evidence;
        world.Note(node.Index, "commits", block.Id);
        var record = node.ChainFile.Read(block.Header.Height)!;
        var roots = new StateRoots(ledger.Tip.StateRoot, ledger.Tip.ReceiptRoot, ledger.Tip.EventRoot);
        if (node.Traitor is null) world.Oracle.Committed(node.Index, record.Height, record.Block, record.Certificate, roots);
        return true;
    }

    private void Announce(Block block)
    {
        node.Pool.OnCommitted(block);
        node.OnCommitted();
    }
}
