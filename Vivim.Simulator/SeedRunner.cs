using System.Diagnostics;
using Vivim.Simulator.Faults;
using Vivim.Simulator.Shrinking;

namespace Vivim.Simulator;

/// <summary>What to run.</summary>
/// <param name="Seed">The first seed.</param>
/// <param name="Plan">Instead of what the seeds draw.</param>
/// <param name="StopsAtFirst">A violation ends the run.</param>
internal sealed record RunSettings(int Validators, int Seeds, ulong Seed, ulong Heights, bool Byzantine, bool SetChanges, bool RealSignatures, FaultPlan? Plan, bool StopsAtFirst, TimeSpan ShrinkTime);

/// <summary>Runs many seeds, each on one thread, as many at once as there are processors.</summary>
internal sealed class SeedRunner(RunSettings settings)
{
    private const int TraceShown = 60;
    private const int SeedsShown = 20;

    private readonly Lock gate = new();
    private ulong heights;
    private long faults;
    private int done;
    private readonly SortedSet<ulong> violatingSeeds = [];
    private int disagreements;
    private int culprits;
    private int mostHeld;

    /// <param name="progress">Is told how many seeds are done.</param>
    public SeedReport Run(Action<int> progress, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        // Each processor takes the next seed, so that the first violation found is among the first there are.
        var next = -1;
        Parallel.For(0, Environment.ProcessorCount, new ParallelOptions { CancellationToken = cancellation }, _ =>
        {
            for (var i = Interlocked.Increment(ref next); i < settings.Seeds && !(settings.StopsAtFirst && violatingSeeds.Count > 0); i = Interlocked.Increment(ref next))
            {
                cancellation.ThrowIfCancellationRequested();
                var seed = settings.Seed + (ulong)i;
                Count(seed, new Simulation(seed, PlanOf(seed), settings.RealSignatures).Run());
                progress(done);
            }
        });
        var seconds = Math.Round(clock.Elapsed.TotalSeconds, 1);
        return new SeedReport(done, heights, faults, violatingSeeds.Count, seconds, disagreements, culprits, mostHeld, [.. violatingSeeds.Take(SeedsShown)], violatingSeeds.Count > 0 ? Explain(violatingSeeds.Min) : null);
    }

    /// <summary>Runs the first seed alone.</summary>
    public SimulationResult RunFirst(bool keepsText) => new Simulation(settings.Seed, PlanOf(settings.Seed), settings.RealSignatures, keepsText).Run();

    private FaultPlan PlanOf(ulong seed) => settings.Plan ?? PlanMaker.Draw(seed, settings.Validators, settings.Heights, settings.Byzantine, settings.SetChanges);

    private void Count(ulong seed, SimulationResult result)
    {
        lock (gate)
        {
            done++;
            heights += result.Heights;
            faults += result.Faults;
            mostHeld = Math.Max(mostHeld, result.MostHeld);
            if (result.Disagreed) disagreements++;
            culprits += result.Culprits;
            if (result.Violation is null) return;
            violatingSeeds.Add(seed);
        }
    }

    private ViolationReport Explain(ulong seed)
    {
        var plan = PlanOf(seed);
        var before = new Simulation(seed, plan, settings.RealSignatures).Run();
        var shrunk = new Shrinker(seed, settings.RealSignatures, settings.ShrinkTime).Shrink(plan, before.Violation!);
        var after = new Simulation(seed, shrunk, settings.RealSignatures, keepsText: true).Run();
        var signatures = settings.RealSignatures ? " --real-signatures" : "";
        var replay = $"dotnet run -c Release --project Vivim.Simulator -- --seed {seed}{signatures} --plan {shrunk}";
        return new ViolationReport(seed, after.Violation!.Check, after.Violation.Message, plan.Faults.Count, shrunk.Faults.Count, before.TraceLength, after.TraceLength, replay, [.. after.Trace.TakeLast(TraceShown)]);
    }
}
