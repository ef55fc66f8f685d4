using Vivim.Simulator.Byzantine;
using Vivim.Simulator.Clients;
using Vivim.Simulator.Faults;
using Vivim.Simulator.Oracle;

namespace Vivim.Simulator;

/// <summary>What came of one run.</summary>
/// <param name="Culprits">Liars named for a disagreement.</param>
internal sealed record SimulationResult(ulong Heights, int Faults, Violation? Violation, bool Disagreed, int Culprits, int MostHeld, string TraceHash, long TraceLength, IReadOnlyList<string> Trace);

/// <summary>
/// One run under one seed: n nodes on virtual time. First it is wild: whatever the plan says goes wrong. Then all heals but the liars, and
/// every correct node must come to the same chain, with everything in it that clients were promised.
/// </summary>
internal sealed class Simulation
{
    /// <summary>Milliseconds from the healing in which everything must be well again.</summary>
    private const long CalmTime = 60_000;

    /// <summary>Heights that must follow the healing.</summary>
    private const ulong HeightsAfterHealing = 3;

    private const int Pause = 1_200;
    private const int CheckEvery = 50;

    private readonly FaultPlan plan;
    private readonly World world;
    private readonly FaultInjector injector;
    private readonly Crowd crowd;
    private readonly Governors? governors;
    private ulong lastHeight;
    private long lastProgress;

    public Simulation(ulong seed, FaultPlan plan, bool realSignatures = false, bool keepsText = false)
    {
        this.plan = plan;
        var authorities = plan.SetChange is null ? null : Authorities.Of(plan.Validators);
        world = new World(seed, plan.Nodes, PlanMaker.Powers(seed, plan.Validators, plan.Honesty), authorities, realSignatures, keepsText);
        injector = new FaultInjector(world, plan);
        world.Oracle.AllowsForks = plan.Honesty == Honesty.TooManyLiars;
        Traitor.Assign(world, plan);
        injector.Schedule();
        var random = world.Stream(4);
        foreach (var node in world.Nodes) world.Agenda.After(random.Between(0, 100), node.Start);
        crowd = new Crowd(world, plan.Validators, Pause);
        if (plan.SetChange is { } change) governors = new Governors(world, plan.Validators, change.Start);
    }

    public World World => world;

    public SimulationResult Run()
    {
        Violation? violation = null;
        try
        {
            RunTo(plan.WildTime, static () => false);
            if (world.Oracle.Disagreement is null) Settle();
        }
        catch (ViolationException e)
        {
            violation = e.Violation;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whatever the engine throws on a correct node is a defect; the place of it is a part of what is found.
            violation = new Violation("exception", $"{e.GetType().Name}: {e.Message}{Environment.NewLine}{string.Join(Environment.NewLine, (e.StackTrace ?? "").Split(Environment.NewLine).Take(4).Select(line => line.Split(" in ")[0]))}");
        }

        var culprits = 0;
        if (violation is null && world.Oracle.Disagreement is not null) violation = Audit(out culprits);
        var faults = injector.Begun + plan.Faults.Count(fault => fault.IsByzantine);
        return new SimulationResult(world.Oracle.Height, faults, violation, world.Oracle.Disagreement is not null, culprits, world.Oracle.MostHeld, world.Trace.Hash, world.Trace.Count, world.Trace.Lines);
    }

    private void Settle()
    {
        var target = Math.Max(plan.Heights, world.Oracle.Height + HeightsAfterHealing);
        var nextCheck = 0L;
        var isSettled = RunTo(plan.WildTime + CalmTime, () =>
        {
            if (world.Agenda.Now < nextCheck) return false;
            nextCheck = world.Agenda.Now + CheckEvery;
            return IsSettled(target);
        });
        if (isSettled || plan.Honesty == Honesty.TooManyLiars) return;
        var unsettled = string.Join(' ', world.Oracle.Acknowledgements.Unsettled(world.Oracle.Height).Select(id => id.ToString()[..8]));
        var haveAll = world.Nodes.All(node => node.Traitor is not null || node.ChainFile.Height >= target);
        if (haveAll && unsettled.Length > 0) throw new ViolationException("acknowledgement", $"{CalmTime / 1_000} s after everything healed, acknowledged transactions are neither committed nor expired: {unsettled}");
        var positions = string.Join("; ", world.Nodes.Where(node => node.Traitor is null).Select(node => $"n{node.Index} at {node.ChainFile.Height}, {(node.Validators.Count > 0 ? node.Validators[0].Position : "down")}"));
        throw new ViolationException("liveness", $"{CalmTime / 1_000} s after everything healed, height {target} is not reached by all, or clients still wait: {positions}; unsettled: {unsettled}");
    }

    private bool IsSettled(ulong target) =>
        crowd.IsDone
        && governors?.IsDone != false
        && world.Nodes.All(node => node.Traitor is not null || node.ChainFile.Height >= target)
        && !world.Oracle.Acknowledgements.Unsettled(world.Oracle.Height).Any();

    /// <summary>Lets things happen up to a time, or until it is enough.</summary>
    private bool RunTo(long end, Func<bool> isEnough)
    {
        while (world.Agenda.Step(end))
        {
            if (plan.IsCalm) Watch();
            if (world.Oracle.Disagreement is not null || isEnough()) return true;
        }

        return false;
    }

    /// <summary>Where nothing goes wrong, the chain goes on.</summary>
    private void Watch()
    {
        if (world.Oracle.Height > lastHeight) (lastHeight, lastProgress) = (world.Oracle.Height, world.Agenda.Now);
        var limit = world.Genesis.Parameters.EmptyBlockIntervalMs + 2 * world.Timeouts.Propose.TotalMilliseconds;
        if (world.Agenda.Now - lastProgress > limit) throw new ViolationException("stall", $"nothing goes wrong, but {limit} ms after height {lastHeight} there is no next one");
    }

    /// <summary>Who forked the chain must be known, and no one else named.</summary>
    private Violation? Audit(out int culprits)
    {
        var named = world.Oracle.Audit();
        culprits = named.Count;
        if (named.Count == 0) return new Violation("no-culprit", $"two blocks are final at height {world.Oracle.Disagreement!.Height}, and nobody is named");
        return named.FirstOrDefault(key => !world.Oracle.IsLiar(key)) is var innocent && named.Any(key => !world.Oracle.IsLiar(key))
            ? new Violation("wrong-culprit", $"{innocent} is named for the fork at height {world.Oracle.Disagreement!.Height}, but is correct")
            : null;
    }
}
