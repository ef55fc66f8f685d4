using Vivim.Simulator.Oracle;

namespace Vivim.Simulator.Faults;

/// <summary>Draws what goes wrong in a run from its seed.</summary>
internal static class PlanMaker
{
    private const ulong PlanStream = 50;
    private const ulong PowerStream = 51;
    private const int Stores = 4;

    private static readonly FaultKind[] Troubles =
    [
        FaultKind.Crash, FaultKind.CrashBeforeWrite, FaultKind.CrashAfterWrite, FaultKind.FailStored, FaultKind.FailLost, FaultKind.SlowDisk,
        FaultKind.Partition, FaultKind.OneWay, FaultKind.Loss, FaultKind.Delay, FaultKind.Duplicate, FaultKind.Skew, FaultKind.Drift,
        FaultKind.SecondIncarnation, FaultKind.RestoredBackup, FaultKind.Blackout,
    ];

    private static readonly FaultKind[] Lies =
    [
        FaultKind.Equivocate, FaultKind.EquivocateProposal, FaultKind.Silent, FaultKind.Amnesia, FaultKind.Withhold, FaultKind.StaleProposal,
        FaultKind.InvalidBlock, FaultKind.ForgedEvidence, FaultKind.Flood, FaultKind.FalseSync,
    ];

    /// <summary>The plan of a seed.</summary>
    public static FaultPlan Draw(ulong seed, int validators, ulong heights, bool byzantine, bool setChanges = false)
    {
        var random = new SeededRandom(seed, PlanStream);
        var wildTime = random.Between(6_000, 12_000);
        var faults = new List<Fault>();
        var honesty = Honesty.AllCorrect;
        if (byzantine && validators > 1) honesty = random.Chance(200) ? Honesty.TooManyLiars : Honesty.FewLiars;
        var powers = Powers(seed, validators, honesty);
        var liars = Liars(random, powers, honesty);
        var forks = honesty == Honesty.TooManyLiars && random.Chance(800);
        var variant = random.Below(1 << 16);
        foreach (var liar in liars)
        {
            if (forks) faults.Add(new Fault(FaultKind.Fork, random.Between(500, 3_000), wildTime, liar, variant));
            else faults.AddRange(LiesOf(random, liar, wildTime));
        }

        if (setChanges || (honesty != Honesty.TooManyLiars && validators is >= 4 and <= 10 && random.Chance(60))) faults.Add(new Fault(FaultKind.SetChange, random.Between(500, 2_000), 0, 0, 0));
        var nodes = validators + (faults.Exists(fault => fault.Kind == FaultKind.SetChange) ? Clients.Authorities.Guests : 0);

        // Long troubles make many rounds, and only in these the rules about locks matter.
        if (!forks && random.Chance(300))
        {
            faults.Add(new Fault(FaultKind.Loss, 0, wildTime, 0, random.Between(100, 350)));
            faults.Add(new Fault(FaultKind.Delay, 0, wildTime, 0, random.Between(200, 1_200)));
            if (liars.Count > 0) faults.Add(new Fault(FaultKind.StaleProposal, 0, wildTime, liars[0], 0));
        }

        // Every tenth run is calm: then nothing may stall.
        var count = forks ? random.Below(3) : random.Chance(100) && !faults.Exists(fault => fault.Kind == FaultKind.Loss) ? 0 : random.Between(2, 14);
        for (var i = 0; i < count; i++) faults.Add(Trouble(random, nodes, wildTime, liars));
        return new FaultPlan(validators, heights, wildTime, honesty, [.. faults.OrderBy(fault => fault.Start)]);
    }

    /// <summary>The powers of a seed's validators: equal in most.</summary>
    public static IReadOnlyList<ulong> Powers(ulong seed, int validators, Honesty honesty)
    {
        var random = new SeededRandom(seed, PowerStream);
        var areEqual = honesty == Honesty.TooManyLiars || random.Chance(700);
        return [.. Enumerable.Range(0, validators).Select(_ => areEqual ? 10UL : (ulong)random.Between(7, 13))];
    }

    private static List<int> Liars(SeededRandom random, IReadOnlyList<ulong> powers, Honesty honesty)
    {
        var total = powers.Aggregate(0UL, (sum, power) => sum + power);
        var liars = new List<int>();
        var power = 0UL;
        foreach (var candidate in random.Shuffled(Enumerable.Range(0, powers.Count)))
        {
            if (honesty == Honesty.AllCorrect) break;
            if (honesty == Honesty.FewLiars && (power + powers[candidate]) * 3 >= total) continue;
            if (honesty == Honesty.TooManyLiars && Power.IsMoreThanAThird(power, total)) break;
            power += powers[candidate];
            liars.Add(candidate);
        }

        liars.Sort();
        return liars;
    }

    private static IEnumerable<Fault> LiesOf(SeededRandom random, int liar, long wildTime)
    {
        for (var count = random.Between(1, 3); count > 0; count--)
            yield return new Fault(random.Pick(Lies), random.Between(0, 2_000), wildTime, liar, random.Below(1 << 16));
    }

    private static Fault Trouble(SeededRandom random, int nodes, long wildTime, List<int> liars)
    {
        var kind = random.Pick(Troubles);
        var start = random.Between(100, (int)wildTime - 500);
        var duration = Math.Min(random.Between(200, 4_000), wildTime - start);
        var node = random.Below(nodes);
        var everyone = (1 << Math.Min(nodes, 30)) - 1;
        var argument = kind switch
        {
            FaultKind.CrashBeforeWrite or FaultKind.CrashAfterWrite or FaultKind.FailStored or FaultKind.FailLost => random.Chance(500) ? 0 : random.Below(Stores),
            FaultKind.SlowDisk => random.Between(20, 600),
            FaultKind.Partition or FaultKind.OneWay => 1 + random.Below(everyone),
            FaultKind.Blackout => random.Chance(600) ? everyone : 1 + random.Below(everyone),
            FaultKind.Loss => random.Between(50, 500),
            FaultKind.Delay => random.Between(50, 1_500),
            FaultKind.Duplicate => random.Between(50, 500),
            FaultKind.Skew => random.Between(-3_000, 3_000),
            FaultKind.Drift => random.Between(500, 2_000),
            FaultKind.RestoredBackup => random.Between(1, 6),
            _ => 0,
        };
        // Liars need no troubles of their own.
        if (liars.Contains(node) && kind is FaultKind.SecondIncarnation or FaultKind.RestoredBackup) kind = FaultKind.Crash;
        return new Fault(kind, start, duration, node, argument);
    }
}
