namespace Vivim.Cli.Load;

/// <summary>
/// Reads an edge list, the format of the SNAP collection: a line <c>a b</c> is one follow, a follows b. Fields are separated by blanks or tabs;
/// empty lines and lines starting with '#' are skipped.
/// </summary>
public static class GraphFile
{
    /// <summary>No name is longer, in characters.</summary>
    public const int MaxNameLength = 64;

    private static readonly char[] Separators = [' ', '\t', '\r'];

    /// <exception cref="InvalidDataException">A line is not an edge, or there is none; the message names the line.</exception>
    public static FollowGraph Parse(TextReader text)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var people = new List<string>();
        var follows = new List<List<int>>();
        var lineNumber = 0;
        while (text.ReadLine() is { } line)
        {
            lineNumber++;
            var fields = line.Split(Separators, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length == 0 || fields[0][0] == '#') continue;
            if (fields.Length != 2) throw new InvalidDataException($"line {lineNumber}: an edge is two names, 'a b', not {fields.Length}");
            if (fields[0].Length > MaxNameLength || fields[1].Length > MaxNameLength) throw new InvalidDataException($"line {lineNumber}: a name has at most {MaxNameLength} characters");
            if (fields[0] == fields[1]) throw new InvalidDataException($"line {lineNumber}: {fields[0]} follows themselves; remove the line");
            var follower = NumberOf(fields[0]);
            var followee = NumberOf(fields[1]);
            follows[follower].Add(followee);
        }

        return people.Count > 0 ? new FollowGraph(people, follows) : throw new InvalidDataException("there is no edge in it: each line is 'a b', a follows b");

        int NumberOf(string name)
        {
            if (numbers.TryGetValue(name, out var number)) return number;
            number = people.Count;
            numbers.Add(name, number);
            people.Add(name);
            follows.Add([]);
            return number;
        }
    }
}
