using Vivim.Protocol;
using Vivim.Protocol.Encoding;

namespace Vivim.Cli.Load;

/// <summary>People and whom each follows, in order. People are numbered from 0; names are what a graph file calls them.</summary>
public sealed class FollowGraph
{
    /// <param name="people">Each person's name.</param>
    /// <param name="follows">For each person the numbers of those they follow, in the order to follow them.</param>
    public FollowGraph(IReadOnlyList<string> people, IReadOnlyList<IReadOnlyList<int>> follows)
    {
        if (people.Count != follows.Count) throw new ArgumentException($"{people.Count} people, but lists for {follows.Count}", nameof(follows));
        People = people;
        Follows = follows;
        EdgeCount = follows.Sum(f => (long)f.Count);
    }

    public IReadOnlyList<string> People { get; }

    public IReadOnlyList<IReadOnlyList<int>> Follows { get; }

    public long EdgeCount { get; }

    /// <summary>Hash of the content: the same for a file under another name or with other comments, different after any change to an edge.</summary>
    public Hash256 Fingerprint()
    {
        var writer = new CanonicalWriter(16 * People.Count).U32((uint)People.Count);
        for (var person = 0; person < People.Count; person++)
        {
            writer.Text(People[person]).U32((uint)Follows[person].Count);
            foreach (var followee in Follows[person]) writer.U32((uint)followee);
        }

        return Hash256.Of(writer.Written);
    }
}
