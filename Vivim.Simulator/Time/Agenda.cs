namespace Vivim.Simulator.Time;

/// <summary>Virtual time: what is to happen, in order; what is due at the same millisecond happens in the order in which it was asked for.</summary>
internal sealed class Agenda
{
    private readonly PriorityQueue<Action, (long Time, long Order)> due = new();
    private long asked;

    /// <summary>Milliseconds since the simulation began.</summary>
    public long Now { get; private set; }

    /// <summary>Events that have happened.</summary>
    public long Happened { get; private set; }

    public void At(long time, Action happen) => due.Enqueue(happen, (Math.Max(time, Now), asked++));

    public void After(long milliseconds, Action happen) => At(Now + milliseconds, happen);

    /// <summary>Lets the next thing happen, unless it is later than <paramref name="end"/>.</summary>
    public bool Step(long end)
    {
        if (!due.TryPeek(out _, out var moment) || moment.Time > end) return false;
        var happen = due.Dequeue();
        Now = moment.Time;
        Happened++;
        happen();
        return true;
    }
}
