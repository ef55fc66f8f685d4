using Akka.Actor;

namespace Vivim.Actors.Supervision;

/// <summary>The actors of this node, as their cells have them now.</summary>
public static class ActorTree
{
    /// <summary>Paths that are told at most.</summary>
    public const int MaxPaths = 10_000;

    /// <summary>The paths from an actor on, without addresses, in ordinal order.</summary>
    /// <param name="start">A path, e.g. <c>/user</c>; <c>/</c> for all.</param>
    /// <param name="depth">How many levels below it; 0 for all.</param>
    /// <param name="isCut">True when there are more than <see cref="MaxPaths"/>.</param>
    /// <returns>Null where there is no such actor.</returns>
    public static IReadOnlyList<string>? Read(ActorSystem system, string start, int depth, out bool isCut)
    {
        isCut = false;
        IActorRef? actor = ((ExtendedActorSystem)system).Provider.RootGuardian;
        foreach (var name in start.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            actor = ChildrenOf(actor, system).FirstOrDefault(child => child.Path.Name == name);
            if (actor is null) return null;
        }

        var paths = new List<string>();
        var level = new List<IActorRef> { actor };
        for (var below = 0; level.Count > 0 && (depth == 0 || below <= depth); below++)
        {
            paths.AddRange(level.Select(found => found.Path.ToStringWithoutAddress()));
            if (paths.Count > MaxPaths) break;
            level = [.. level.SelectMany(found => ChildrenOf(found, system))];
        }

        isCut = paths.Count > MaxPaths;
        paths.Sort(StringComparer.Ordinal);
        return isCut ? paths[..MaxPaths] : paths;
    }

    private static IEnumerable<IActorRef> ChildrenOf(IActorRef actor, ActorSystem system)
    {
        var provider = ((ExtendedActorSystem)system).Provider;
        // The root's own children are its two guardians, which it does not list among them.
        if (actor.Equals(provider.RootGuardian)) return [provider.Guardian, provider.SystemGuardian];
        return actor is ActorRefWithCell cell ? cell.Children : [];
    }
}
