using Vivim.Simulator.Storage;

namespace Vivim.Simulator.Faults;

/// <summary>Makes a plan's faults happen, and heals what they left.</summary>
internal sealed class FaultInjector(World world, FaultPlan plan)
{
    private const int CalmSkew = 100;

    /// <summary>Faults that have begun.</summary>
    public int Begun { get; private set; }

    /// <summary>Puts all faults on the agenda.</summary>
    public void Schedule()
    {
        foreach (var fault in plan.Faults.Where(fault => !fault.IsByzantine && fault.Kind != FaultKind.SetChange))
        {
            world.Agenda.At(fault.Start, () =>
            {
                Begun++;
                world.Note(fault.Node, "fault", fault.ToString());
                Begin(fault);
            });
            world.Agenda.At(fault.End, () => End(fault));
        }

        world.Agenda.At(plan.WildTime, Heal);
    }

    private void Begin(Fault fault)
    {
        var node = world.Nodes[fault.Node];
        switch (fault.Kind)
        {
            case FaultKind.Crash:
                node.Crash();
                break;
            case FaultKind.Blackout:
                foreach (var dark in world.Nodes.Where(other => IsIn(fault, other.Index))) dark.Crash();
                break;
            case FaultKind.CrashBeforeWrite:
                node.Disk.Arm((StoreKind)fault.Argument, WriteFate.CrashBefore);
                break;
            case FaultKind.CrashAfterWrite:
                node.Disk.Arm((StoreKind)fault.Argument, WriteFate.CrashAfter);
                break;
            case FaultKind.FailStored:
                node.Disk.Arm((StoreKind)fault.Argument, WriteFate.FailStored);
                break;
            case FaultKind.FailLost:
                node.Disk.Arm((StoreKind)fault.Argument, WriteFate.FailLost);
                break;
            case FaultKind.SecondIncarnation:
                node.Duplicate();
                break;
            case FaultKind.RestoredBackup:
                RestoreBackup(fault);
                break;
            default:
                Set(fault, isOn: true);
                break;
        }
    }

    private void End(Fault fault)
    {
        var node = world.Nodes[fault.Node];
        switch (fault.Kind)
        {
            case FaultKind.Crash or FaultKind.RestoredBackup:
                node.Start();
                break;
            case FaultKind.Blackout:
                foreach (var dark in world.Nodes.Where(other => IsIn(fault, other.Index))) dark.Start();
                break;
            case FaultKind.SecondIncarnation:
                node.EndDuplicate();
                break;
            default:
                Set(fault, isOn: false);
                break;
        }
    }

    /// <summary>Conditions that last.</summary>
    private void Set(Fault fault, bool isOn)
    {
        var node = world.Nodes[fault.Node];
        switch (fault.Kind)
        {
            case FaultKind.SlowDisk:
                node.Disk.Slowness = isOn ? fault.Argument : 0;
                break;
            case FaultKind.Partition:
                Part(isOn, (from, to) => IsIn(fault, from) != IsIn(fault, to));
                break;
            case FaultKind.OneWay:
                Part(isOn, (from, to) => from == fault.Node && IsIn(fault, to));
                break;
            case FaultKind.Loss:
                world.Network.Loss = isOn ? fault.Argument : 0;
                break;
            case FaultKind.Delay:
                world.Network.Delay = isOn ? fault.Argument : 0;
                break;
            case FaultKind.Duplicate:
                world.Network.Duplicates = isOn ? fault.Argument : 0;
                break;
            case FaultKind.Skew:
                node.Skew = isOn ? fault.Argument : 0;
                break;
            case FaultKind.Drift:
                node.TimerSpeed = isOn ? fault.Argument : 1_000;
                break;
        }
    }

    private static bool IsIn(Fault fault, int node) => (fault.Argument >> node & 1) != 0;

    private void Part(bool isOn, Func<int, int, bool> concerns)
    {
        for (var from = 0; from < world.Nodes.Count; from++)
        {
            for (var to = 0; to < world.Nodes.Count; to++)
            {
                if (from == to || !concerns(from, to)) continue;
                if (isOn) world.Network.Cut(from, to);
                else world.Network.Join(from, to);
            }
        }
    }

    /// <summary>A chain is restored from a backup only where others still have the blocks that are lost by it.</summary>
    private void RestoreBackup(Fault fault)
    {
        var node = world.Nodes[fault.Node];
        var height = node.ChainFile.Height;
        if (!world.Nodes.Any(other => other != node && other.Traitor is null && other.ChainFile.Height >= height)) return;
        node.Crash();
        node.ChainFile.Restore(height - Math.Min(height, (ulong)fault.Argument));
    }

    private void Heal()
    {
        world.Note(0, "heals");
        world.Network.Heal();
        var random = world.Stream(3);
        foreach (var node in world.Nodes)
        {
            node.Disk.Heal();
            node.Skew = random.Between(-CalmSkew, CalmSkew);
            node.TimerSpeed = 1_000;
            node.EndDuplicate();
            node.Start();
        }
    }
}
