using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Vivim.Chain.Consensus;
using Vivim.Chain.Ledger;
using Vivim.Protocol.Keys;

namespace Vivim.Gateway.Metrics;

/// <summary>How many rounds consensus needs, as this node sees it.</summary>
internal sealed class ConsensusInstruments
{
    private readonly Histogram<long> needed;
    private readonly ConcurrentDictionary<PublicKey, uint> rounds = [];

    public ConsensusInstruments(Meter meter)
    {
        needed = meter.CreateHistogram(
            "vivim.commit.rounds",
            "rounds",
            "Rounds that a committed height has needed; 1 is the least",
            advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 2, 3, 5, 8, 13, 21] });
        meter.CreateObservableGauge("vivim.consensus.round", Highest, description: "The highest round that a validator on this node was in when it last reported, every second or so; 0 is the first");
    }

    /// <summary>A height is committed.</summary>
    public void Count(BlockCommitted committed)
    {
        if (committed.Tip.Certificate is { } certificate) needed.Record(certificate.Round + 1L);
        // Until the next report: a height that is over says nothing of the one under way.
        rounds.Clear();
    }

    public void Take(ValidatorReport report) => rounds[report.Validator] = report.Round;

    private IEnumerable<Measurement<long>> Highest() => [new(rounds.Values.DefaultIfEmpty().Max())];
}
