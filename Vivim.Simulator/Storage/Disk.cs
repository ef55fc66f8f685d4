using Vivim.Simulator.Time;

namespace Vivim.Simulator.Storage;

/// <summary>The files of a node. Each keeps the order of its writes; between them there is none.</summary>
internal enum StoreKind
{
    Signer = 0,
    Chain = 1,
    Blocks = 2,
    Pool = 3,
}

/// <summary>What becomes of a write.</summary>
internal enum WriteFate
{
    Done,
    CrashBefore,
    CrashAfter,
    FailStored,
    FailLost,
}

/// <summary>
/// A disk on virtual time. A write is stored some time after it is asked for, then it is acknowledged. When the power fails, a part of
/// what is not acknowledged is stored, in order, and the rest is lost.
/// </summary>
internal sealed class Disk(Agenda agenda, SeededRandom random, Action powerFails)
{
    private static readonly int Stores = Enum.GetValues<StoreKind>().Length;

    private readonly Queue<Write>[] pending = [.. Enumerable.Range(0, Stores).Select(_ => new Queue<Write>())];
    private readonly long[] busyUntil = new long[Stores];
    private readonly WriteFate[] fates = new WriteFate[Stores];
    private readonly int[] cycles = new int[Stores];

    /// <summary>Every write takes up to this many milliseconds longer.</summary>
    public int Slowness { get; set; }

    private sealed record Write(Action Store, Action<bool> Acknowledge);

    /// <summary>The next write to a store ends like this.</summary>
    public void Arm(StoreKind store, WriteFate fate) => fates[(int)store] = fate;

    /// <summary>All writes end well from now on.</summary>
    public void Heal()
    {
        Array.Fill(fates, WriteFate.Done);
        Slowness = 0;
    }

    /// <summary>Asks for a write.</summary>
    /// <param name="store">Changes what is stored.</param>
    /// <param name="acknowledge">Is told whether the write is reported as done.</param>
    public void Begin(StoreKind kind, Action store, Action<bool> acknowledge)
    {
        var index = (int)kind;
        pending[index].Enqueue(new Write(store, acknowledge));
        busyUntil[index] = Math.Max(busyUntil[index], agenda.Now) + random.Between(0, 2 + Slowness);
        var cycle = cycles[index];
        agenda.At(busyUntil[index], () =>
        {
            if (cycle == cycles[index]) Complete(index);
        });
    }

    /// <summary>Of each store's writes under way the first ones are stored, none is acknowledged.</summary>
    public void LosePower()
    {
        for (var index = 0; index < Stores; index++) Abandon((StoreKind)index);
    }

    /// <summary>Whoever writes to one store has stopped: the same for that store alone.</summary>
    public void Abandon(StoreKind kind)
    {
        var index = (int)kind;
        cycles[index]++;
        busyUntil[index] = 0;
        var writes = pending[index];
        for (var kept = random.Below(writes.Count + 1); kept > 0; kept--) writes.Dequeue().Store();
        writes.Clear();
    }

    private void Complete(int index)
    {
        var write = pending[index].Dequeue();
        var fate = fates[index];
        fates[index] = WriteFate.Done;
        if (fate is WriteFate.Done or WriteFate.CrashAfter or WriteFate.FailStored) write.Store();
        if (fate is WriteFate.CrashBefore or WriteFate.CrashAfter) powerFails();
        else write.Acknowledge(fate == WriteFate.Done);
    }
}
