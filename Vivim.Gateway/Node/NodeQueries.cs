using Vivim.Chain.Ledger;
using Vivim.Chain.Pool;
using Vivim.Chain.Queries;
using Vivim.Ledger.Storage;

namespace Vivim.Gateway.Node;

/// <summary>What callers ask of a node's chain. Work that costs much is done in turns, so that one caller's does not keep the others' waiting.</summary>
internal sealed class NodeQueries
{
    /// <param name="chain">Serves reads and waits.</param>
    /// <param name="scanned">The same chain by another connection: a scan keeps nobody else from reading.</param>
    public NodeQueries(IChainReader chain, IChainReader scanned, HeightSignal heights, TransactionWaits waits, PoolLookup pool, TimeProvider clock)
    {
        // Half of the processors are left to the chain's own work.
        var atOnce = Math.Max(1, Environment.ProcessorCount / 2);
        Scans = new CallerTurns(atOnce);
        Reads = new CallerTurns(atOnce);
        Events = new EventQuery(scanned, Scans, heights, clock);
        Transactions = new TransactionQuery(chain, pool, waits, heights, clock);
    }

    /// <summary>Turns of streams of events and blocks.</summary>
    public CallerTurns Scans { get; }

    /// <summary>Turns of reads of blocks, state and proofs.</summary>
    public CallerTurns Reads { get; }

    public EventQuery Events { get; }

    public TransactionQuery Transactions { get; }
}
