using Vivim.Simulator;
using Vivim.Simulator.Faults;
using Vivim.Simulator.Shrinking;

namespace Vivim.Tests.Simulator;

/// <summary>Fixed seeds of the simulator; random ones are for its command line.</summary>
public sealed class SimulationTests
{
    private const ulong Heights = 20;

    [Theory]
    [InlineData(4, 1, 120, false)]
    [InlineData(4, 10_001, 120, true)]
    [InlineData(1, 1, 20, false)]
    [InlineData(7, 1, 15, true)]
    public void No_promise_is_broken_whatever_goes_wrong(int validators, ulong first, int seeds, bool byzantine)
    {
        var report = Run(new RunSettings(validators, seeds, first, Heights, byzantine, SetChanges: false, RealSignatures: false, null, StopsAtFirst: false, TimeSpan.Zero));
        Assert.True(report.Heights > (ulong)seeds * 10, $"only {report.Heights} heights");
    }

    [Fact]
    public void No_promise_is_broken_with_real_signatures() =>
        Run(new RunSettings(4, 6, 1, Heights, Byzantine: true, SetChanges: false, RealSignatures: true, null, StopsAtFirst: false, TimeSpan.Zero));

    [Fact]
    public void The_set_of_validators_grows_and_shrinks_under_load() =>
        Run(new RunSettings(4, 20, 1, Heights, Byzantine: false, SetChanges: true, RealSignatures: false, null, StopsAtFirst: false, TimeSpan.Zero));

    [Fact]
    public void Where_nothing_goes_wrong_nothing_stalls_while_the_set_changes()
    {
        var plan = FaultPlan.Parse("n4,h20,t4000,b0,SetChange@500+0:0:0");
        var result = new Simulation(1, plan).Run();
        Assert.Null(result.Violation);
        Assert.True(result.Heights >= 20);
    }

    [Fact]
    public void Too_many_liars_fork_the_chain_and_are_named()
    {
        var report = Run(new RunSettings(4, 100, 500, Heights, Byzantine: true, SetChanges: false, RealSignatures: false, null, StopsAtFirst: false, TimeSpan.Zero));
        Assert.True(report.Disagreements >= 5, $"only {report.Disagreements} forks");
        Assert.True(report.Culprits >= report.Disagreements);
    }

    [Theory]
    [InlineData(3, false)]
    [InlineData(8, true)]
    public void A_seed_means_the_same_every_time(ulong seed, bool byzantine)
    {
        var plan = PlanMaker.Draw(seed, 4, Heights, byzantine);
        var first = new Simulation(seed, plan, keepsText: true).Run();
        var second = new Simulation(seed, FaultPlan.Parse(plan.ToString()), keepsText: true).Run();
        Assert.Equal(first.TraceHash, second.TraceHash);
        Assert.Equal(first.Trace, second.Trace);
        Assert.NotEqual(first.TraceHash, new Simulation(seed + 1, plan).Run().TraceHash);
    }

    /// <summary>Two of four lie, but the oracle is told that the chain must hold: a violation that is certain to come.</summary>
    [Fact]
    public void A_violation_is_shrunk_and_replays_to_the_letter()
    {
        const string noise = "Crash@700+400:0:0,Delay@900+900:0:200,Skew@100+800:2:500,SlowDisk@600+800:3:60,Loss@400+900:0:80";
        var plan = FaultPlan.Parse($"n4,h20,t8000,b1,Fork@1000+8000:1:0,Fork@1000+8000:2:0,{noise}");
        var violation = new Simulation(5, plan).Run().Violation;
        Assert.Equal("agreement", violation?.Check);
        var shrunk = new Shrinker(5, realSignatures: false, TimeSpan.FromSeconds(20)).Shrink(plan, violation!);
        Assert.All(shrunk.Faults, fault => Assert.Equal(FaultKind.Fork, fault.Kind));
        var first = new Simulation(5, FaultPlan.Parse(shrunk.ToString()), keepsText: true).Run();
        var second = new Simulation(5, FaultPlan.Parse(shrunk.ToString()), keepsText: true).Run();
        Assert.Equal("agreement", first.Violation!.Check);
        Assert.Equal(first.Violation, second.Violation);
        Assert.Equal(first.Trace, second.Trace);
    }

    [Theory]
    [InlineData("")]
    [InlineData("n4,h20")]
    [InlineData("n4,h20,t100,b0,Crash@1+2:3")]
    [InlineData("n4,h20,t100,b0,Crush@1+2:3:4")]
    public void What_is_not_a_plan_is_refused(string text) => Assert.Throws<FormatException>(() => FaultPlan.Parse(text));

    private static SeedReport Run(RunSettings settings)
    {
        var report = new SeedRunner(settings).Run(static _ => { }, CancellationToken.None);
        Assert.True(report.Violation is null, $"seed {report.Violation?.Seed}: {report.Violation?.Check}: {report.Violation?.Message}; {report.Violation?.Replay}");
        Assert.Equal(settings.Seeds, report.Seeds);
        return report;
    }
}
