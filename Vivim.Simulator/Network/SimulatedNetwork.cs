using Vivim.Simulator.Time;

namespace Vivim.Simulator.Network;

/// <summary>
/// Carries messages at most once, in any order, or not at all, and twice when a fault says so. Who sent a message is known (sessions are
/// authenticated), what it says is not to be trusted.
/// </summary>
internal sealed class SimulatedNetwork(Agenda agenda, SeededRandom random, int nodes, Action<int, int, object> deliver)
{
    private const int LeastDelay = 1;
    private const int MostDelay = 12;

    private readonly bool[,] cut = new bool[nodes, nodes];

    /// <summary>Messages lost, in permille.</summary>
    public int Loss { get; set; }

    /// <summary>Messages delivered twice, in permille.</summary>
    public int Duplicates { get; set; }

    /// <summary>Messages take up to this many milliseconds longer.</summary>
    public int Delay { get; set; }

    /// <summary>Messages carried.</summary>
    public long Sent { get; private set; }

    /// <summary>Nothing passes from one node to another any more.</summary>
    public void Cut(int from, int to) => cut[from, to] = true;

    public void Join(int from, int to) => cut[from, to] = false;

    /// <summary>Everything passes, soon and once.</summary>
    public void Heal()
    {
        Array.Clear(cut);
        (Loss, Duplicates, Delay) = (0, 0, 0);
    }

    public void Send(int from, int to, object message)
    {
        Sent++;
        if (cut[from, to] || random.Chance(Loss)) return;
        Carry(from, to, message);
        if (random.Chance(Duplicates)) Carry(from, to, message);
    }

    private void Carry(int from, int to, object message) => agenda.After(random.Between(LeastDelay, MostDelay + Delay), () => deliver(from, to, message));
}
