using System.Text;

namespace Vivim.Cli.Load;

/// <summary>
/// Reads an edge list, the format of the SNAP collection: a line <c>a b</c> is one follow, a follows b. Fields are separated by blanks or tabs;
/// empty lines and lines starting with '#' are skipped. Whatever is read, a line has at most <see cref="MaxLineLength"/> characters and a graph at most
/// <see cref="MaxEdges"/> edges, so that a file without an end is refused with its memory bounded.
/// </summary>
public static class GraphFile
{
    /// <summary>No name is longer, in characters.</summary>
    public const int MaxNameLength = 64;

    /// <summary>No line is longer, in characters.</summary>
    public const int MaxLineLength = 1_024;

    /// <summary>No graph has more edges: about 1 GB of memory with as many people.</summary>
    public const int MaxEdges = 10_000_000;

    /// <summary>No file has more lines, comments and empty ones included.</summary>
    private const int MaxLines = 2 * MaxEdges;

    private static readonly char[] Separators = [' ', '\t', '\r'];

    /// <exception cref="InvalidDataException">A line is not an edge, or there is none; the message names the line.</exception>
    public static FollowGraph Parse(TextReader text)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var people = new List<string>();
        var follows = new List<List<int>>();
        var lines = new LineReader(text);
        var edges = 0;
        while (lines.Next() is { } line)
        {
            var lineNumber = lines.Number;
            var fields = line.Split(Separators, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length == 0 || fields[0][0] == '#') continue;
            if (fields.Length != 2) throw new InvalidDataException($"line {lineNumber}: an edge is two names, 'a b', not {fields.Length}");
            if (fields[0].Length > MaxNameLength || fields[1].Length > MaxNameLength) throw new InvalidDataException($"line {lineNumber}: a name has at most {MaxNameLength} characters");
            if (fields[0] == fields[1]) throw new InvalidDataException($"line {lineNumber}: {fields[0]} follows themselves; remove the line");
            if (++edges > MaxEdges) throw new InvalidDataException($"line {lineNumber}: there are more than {MaxEdges} edges; load them in parts");
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

    /// <summary>Reads lines, and never keeps more than the longest that is allowed.</summary>
    private sealed class LineReader(TextReader text)
    {
        private readonly StringBuilder line = new(MaxLineLength);

        /// <summary>Of the line that was read last, from 1.</summary>
        public int Number { get; private set; }

        /// <returns>Null at the end.</returns>
        /// <exception cref="InvalidDataException">A line is too long, or there are too many.</exception>
        public string? Next()
        {
            if (text.Peek() < 0) return null;
            if (++Number > MaxLines) throw new InvalidDataException($"it has more than {MaxLines} lines");
            line.Clear();
            for (int c; (c = text.Read()) >= 0 && c != '\n';)
            {
                if (line.Length == MaxLineLength) throw new InvalidDataException($"line {Number}: a line has at most {MaxLineLength} characters");
                line.Append((char)c);
            }

            return line.ToString();
        }
    }
}
