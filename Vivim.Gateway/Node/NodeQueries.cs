using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Chain.Queries;
using Vivim.Gateway.Configuration;
using Vivim.Ledger.Storage;

namespace Vivim.Gateway.Node;

/// <summary>What callers ask of a node's chain, and how many calls of each kind may be under way, for one caller and in all.</summary>
internal sealed class NodeQueries
{
    /// <summary>Streams that one operator may watch at once: supervision and logs. Each asks every node of the cluster twice a second.</summary>
    private const int WatchesPerOperator = 16;

    private const int Watches = 64;

    /// <summary>How many callers of one address's limit make the limit in all.</summary>
    private const int Callers = 16;

    /// <param name="chain">Serves reads and waits.</param>
    /// <param name="scanned">The same chain by another connection: a scan keeps nobody else from reading.</param>
    public NodeQueries(CallLimits limits, IChainReader chain, IChainReader scanned, HeightSignal heights, TransactionWaits waits, PoolLookup pool, TimeProvider clock)
    {
        // Half of the processors are left to the chain's own work.
        var atOnce = Math.Max(1, Environment.ProcessorCount / 2);
        Scans = new CallerTurns(atOnce, limits.ScansPerAddress, limits.ScansPerAddress * Callers);
        Reads = new CallerTurns(atOnce, limits.ReadsPerAddress, limits.ReadsPerAddress * Callers);
        Waits = new CallerTurns(atOnce, limits.WaitsPerAddress, limits.WaitsPerAddress * Callers);
        OperatorWatches = new CallerTurns(atOnce, WatchesPerOperator, Watches);
        Events = new EventQuery(scanned, heights, clock);
        Transactions = new TransactionQuery(chain, pool, waits, heights, clock);
    }

    /// <summary>Streams of events and blocks, by address.</summary>
    public CallerTurns Scans { get; }

    /// <summary>Reads of blocks, state and proofs, by address.</summary>
    public CallerTurns Reads { get; }

    /// <summary>Calls that wait for a transaction, by address; they take no turns.</summary>
    public CallerTurns Waits { get; }

    /// <summary>Streams for operators, by operator; they take no turns.</summary>
    public CallerTurns OperatorWatches { get; }

    public EventQuery Events { get; }

    public TransactionQuery Transactions { get; }
}
