namespace Vivim.Chain.Queries;

/// <summary>
/// Whose turn it is, where more want to work than may at once: callers take turns, and the members of one caller take turns among themselves. Who
/// has a thousand members waiting therefore gets no more turns than who has one. A deterministic core, used by one thread at a time.
/// </summary>
/// <typeparam name="T">A member: one piece of a caller's work, which has turn after turn until it is done.</typeparam>
/// <param name="atOnce">Turns at the same time.</param>
public sealed class TurnRing<T>(int atOnce)
    where T : class
{
    /// <summary>The callers who have members waiting; the first is next.</summary>
    private readonly LinkedList<Line> ring = new();
    private readonly Dictionary<string, Line> lines = new(StringComparer.Ordinal);
    private readonly Dictionary<T, (Line Line, LinkedListNode<T> Place)> waiting = [];
    private readonly HashSet<T> working = [];

    private sealed class Line(string caller)
    {
        public string Caller { get; } = caller;

        public LinkedList<T> Members { get; } = new();
    }

    /// <summary>Members that wait for their turn.</summary>
    public int Waiting => waiting.Count;

    /// <summary>A member wants a turn; it waits behind its caller's others, and its caller behind the others.</summary>
    /// <exception cref="InvalidOperationException">It waits already, or has its turn.</exception>
    public void Ask(string caller, T member)
    {
        if (waiting.ContainsKey(member) || working.Contains(member)) throw new InvalidOperationException($"a member of {caller} asks twice");
        if (!lines.TryGetValue(caller, out var line))
        {
            lines[caller] = line = new Line(caller);
            ring.AddLast(line);
        }

        waiting[member] = (line, line.Members.AddLast(member));
    }

    /// <summary>The next turn; null while nobody waits or enough work.</summary>
    public T? Grant()
    {
        if (working.Count >= atOnce || ring.First is not { } first) return null;
        var line = first.Value;
        var member = line.Members.First!.Value;
        ring.RemoveFirst();
        Withdraw(member, line);
        if (line.Members.Count > 0) ring.AddLast(line);
        working.Add(member);
        return member;
    }

    /// <summary>A member gives its turn back, or no longer wants one.</summary>
    public void Give(T member)
    {
        if (working.Remove(member) || !waiting.TryGetValue(member, out var wish)) return;
        Withdraw(member, wish.Line);
        if (wish.Line.Members.Count == 0) ring.Remove(wish.Line);
    }

    private void Withdraw(T member, Line line)
    {
        waiting.Remove(member, out var wish);
        line.Members.Remove(wish.Place);
        if (line.Members.Count == 0) lines.Remove(line.Caller);
    }
}
