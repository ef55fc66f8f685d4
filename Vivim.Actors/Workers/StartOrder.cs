namespace Vivim.Actors.Workers;

/// <summary>Worker types depend on each other in a way that lets them never start.</summary>
public sealed class DependencyException(string message) : Exception(message);

/// <summary>In which order types start: each after all it depends on.</summary>
public static class StartOrder
{
    /// <summary>The types in order; those that may start at the same time by name.</summary>
    /// <param name="dependencies">What each type depends on.</param>
    /// <exception cref="DependencyException">One is missing, or some need each other; the message names them.</exception>
    public static IReadOnlyList<string> Of(IReadOnlyDictionary<string, IReadOnlyList<string>> dependencies)
    {
        foreach (var (type, needed) in dependencies.OrderBy(d => d.Key, StringComparer.Ordinal))
        {
            if (needed.FirstOrDefault(name => !dependencies.ContainsKey(name)) is { } missing)
                throw new DependencyException($"{type} depends on {missing}, which does not exist; there are: {string.Join(", ", dependencies.Keys.Order(StringComparer.Ordinal))}");
        }

        var order = new List<string>();
        var path = new List<string>();
        foreach (var type in dependencies.Keys.Order(StringComparer.Ordinal)) Visit(type);
        return order;

        void Visit(string type)
        {
            if (order.Contains(type, StringComparer.Ordinal)) return;
            var start = path.IndexOf(type);
            if (start >= 0) throw new DependencyException($"these depend on each other: {string.Join(" -> ", path[start..].Append(type))}");
            path.Add(type);
            foreach (var needed in dependencies[type].Order(StringComparer.Ordinal)) Visit(needed);
            path.RemoveAt(path.Count - 1);
            order.Add(type);
        }
    }
}
