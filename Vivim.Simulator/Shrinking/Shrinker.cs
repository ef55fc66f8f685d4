using System.Diagnostics;
using Vivim.Simulator.Faults;
using Vivim.Simulator.Oracle;

namespace Vivim.Simulator.Shrinking;

/// <summary>
/// Makes a plan smaller as long as its run breaks the same promise: leaves faults out, many at once first, then one by one; then shortens
/// what is left.
/// </summary>
internal sealed class Shrinker(ulong seed, bool realSignatures, TimeSpan limit)
{
    private readonly Stopwatch clock = new();

    /// <summary>The smallest plan found in the time.</summary>
    public FaultPlan Shrink(FaultPlan plan, Violation violation)
    {
        clock.Restart();
        var before = plan;
        do
        {
            before = plan;
            plan = WithoutFaults(plan, violation);
            plan = WithFewerHeights(plan, violation);
            plan = WithShorterFaults(plan, violation);
        }
        while (plan != before && clock.Elapsed < limit);
        return plan;
    }

    private FaultPlan WithoutFaults(FaultPlan plan, Violation violation)
    {
        for (var size = Math.Max(1, plan.Faults.Count / 2); size >= 1; size /= 2)
        {
            for (var at = 0; at < plan.Faults.Count;)
            {
                var smaller = plan with { Faults = [.. plan.Faults.Take(at), .. plan.Faults.Skip(at + size)] };
                if (Breaks(smaller, violation)) plan = smaller;
                else at += size;
            }
        }

        return plan;
    }

    private FaultPlan WithFewerHeights(FaultPlan plan, Violation violation)
    {
        var end = plan.Faults.Where(fault => !fault.IsByzantine).Select(fault => fault.End).DefaultIfEmpty(500).Max();
        foreach (var smaller in (FaultPlan[])[plan with { Heights = 1, WildTime = end }, plan with { WildTime = end }, plan with { Heights = 1 }, plan with { WildTime = plan.WildTime / 2 }])
        {
            if (smaller != plan && smaller.WildTime >= end && Breaks(smaller, violation)) return smaller;
        }

        return plan;
    }

    private FaultPlan WithShorterFaults(FaultPlan plan, Violation violation)
    {
        for (var i = 0; i < plan.Faults.Count; i++)
        {
            if (plan.Faults[i].IsByzantine || plan.Faults[i].Duration < 100) continue;
            var shorter = plan.Faults.ToArray();
            shorter[i] = shorter[i] with { Duration = shorter[i].Duration / 2 };
            var smaller = plan with { Faults = shorter };
            if (Breaks(smaller, violation)) plan = smaller;
        }

        return plan;
    }

    private bool Breaks(FaultPlan plan, Violation violation) =>
        clock.Elapsed < limit && new Simulation(seed, plan, realSignatures).Run().Violation?.Check == violation.Check;
}
