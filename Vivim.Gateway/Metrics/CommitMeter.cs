using System.Diagnostics.Metrics;
using Akka.Actor;
using Akka.Event;
using Vivim.Chain.Consensus;
using Vivim.Chain.Ledger;

namespace Vivim.Gateway.Metrics;

/// <summary>Counts what is committed on this node since it started.</summary>
internal sealed class CommitInstruments(Meter meter, TimeProvider clock)
{
    private readonly Counter<long> blocks = meter.CreateCounter<long>("vivim.committed.blocks", description: "Blocks committed on this node since it started");
    private readonly Counter<long> transactions = meter.CreateCounter<long>("vivim.committed.transactions", description: "Transactions in these blocks, by the code of their receipt");
    private readonly Histogram<double> interval = meter.CreateHistogram(
        "vivim.commit.interval",
        "s",
        "Time from one commit to the next",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 60, 120] });

    private readonly Histogram<double> latency = meter.CreateHistogram(
        "vivim.commit.latency",
        "s",
        "Time from this node's taking a transaction from a client to its commit on this node",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60] });

    private long? last;

    /// <summary>To be called by one thread at a time.</summary>
    public void Count(BlockCommitted committed, AcceptedTransactions accepted)
    {
        blocks.Add(1);
        foreach (var receipt in committed.Receipts)
        {
            if (accepted.Commit(receipt.TransactionId) is { } waited) latency.Record(waited.TotalSeconds);
        }

        foreach (var (code, count) in committed.Receipts.CountBy(receipt => receipt.CodeName)) transactions.Add(count, new KeyValuePair<string, object?>("code", code));
        var now = clock.GetTimestamp();
        if (last is { } before) interval.Record(clock.GetElapsedTime(before, now).TotalSeconds);
        last = now;
    }
}

/// <summary>Hears of commits, and of where validators are, on the node's event stream.</summary>
internal sealed class CommitMeter : ReceiveActor
{
    public CommitMeter(CommitInstruments commits, ConsensusInstruments consensus, AcceptedTransactions accepted)
    {
        Receive<BlockCommitted>(committed =>
        {
            commits.Count(committed, accepted);
            consensus.Count(committed);
        });
        Receive<ValidatorReport>(consensus.Take);
    }

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<BlockCommitted>(Self);
        Context.System.EventStream.Subscribe<ValidatorReport>(Self);
    }
}
