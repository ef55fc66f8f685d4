using System.Globalization;

namespace Vivim.Cli.Load;

/// <summary>
/// Makes a small-world graph after Watts and Strogatz (1998): everybody follows the next people of a ring, and one follow in ten goes
/// to somebody at random instead. The same numbers always give the same graph.
/// </summary>
/// <param name="People">2 to 1,000,000.</param>
/// <param name="Edges">Distinct follows: 1 to the lesser of 20,000,000 and people × (people - 1).</param>
/// <param name="Seed">Any number.</param>
public sealed record SmallWorldGraph(int People, int Edges, ulong Seed)
{
    private const int MaxPeople = 1_000_000;
    private const int MaxEdges = 20_000_000;
    private const int RewiredOneIn = 10;

    /// <summary>Reads <c>people=N,edges=N,seed=N</c>; the seed is 1 if left out.</summary>
    /// <exception cref="FormatException">Not that, or a number is out of its range; the message says which.</exception>
    public static SmallWorldGraph Parse(string text)
    {
        var values = new Dictionary<string, ulong>(StringComparer.Ordinal) { ["seed"] = 1 };
        foreach (var part in text.Split(','))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? part : part[..equals];
            if (name is not ("people" or "edges" or "seed") || !ulong.TryParse(part.AsSpan(equals + 1), NumberStyles.None, provider: null, out var value))
                throw new FormatException($"'{part}' is not understood: write people=4039,edges=88234,seed=1");
            values[name] = value;
        }

        if (!values.TryGetValue("people", out var people) || people is < 2 or > MaxPeople) throw new FormatException($"people must be given, 2 to {MaxPeople}");
        var most = Math.Min(MaxEdges, people * (people - 1));
        if (!values.TryGetValue("edges", out var edges) || edges < 1 || edges > most) throw new FormatException($"edges must be given, 1 to {most} for {people} people");
        return new SmallWorldGraph((int)people, (int)edges, values["seed"]);
    }

    /// <summary>Makes the graph: exactly <see cref="Edges"/> follows, no two the same and none of oneself.</summary>
    public FollowGraph Generate()
    {
        var random = new SplitMix64(Seed);
        var follows = new List<int>[People];
        var taken = new HashSet<int>[People];
        for (var person = 0; person < People; person++)
        {
            follows[person] = [];
            taken[person] = [person];
        }

        for (var edge = 0; edge < Edges; edge++)
        {
            var follower = edge % People;
            var followee = (follower + 1 + edge / People) % People;
            if (random.Below(RewiredOneIn) == 0) followee = random.Below(People);
            while (!taken[follower].Add(followee)) followee = (followee + 1) % People;
            follows[follower].Add(followee);
        }

        return new FollowGraph([.. Enumerable.Range(0, People).Select(p => p.ToString(CultureInfo.InvariantCulture))], follows);
    }
}
