namespace Vivim.Actors.Supervision;

/// <summary>How many events of each kind a node has recorded since it started. Safe for concurrent use.</summary>
public sealed class SupervisionTally
{
    private static readonly SupervisionKind[] Kinds = Enum.GetValues<SupervisionKind>();

    private readonly long[] counts = new long[(int)Kinds.Max() + 1];

    public void Count(SupervisionKind kind) => Interlocked.Increment(ref counts[(int)kind]);

    /// <summary>All kinds, those of which there was none too.</summary>
    public IEnumerable<(SupervisionKind Kind, long Count)> Read() => Kinds.Select(kind => (kind, Interlocked.Read(ref counts[(int)kind])));
}
