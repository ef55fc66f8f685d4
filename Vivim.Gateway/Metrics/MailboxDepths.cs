using Akka.Actor;
using Vivim.Actors.Supervision;

namespace Vivim.Gateway.Metrics;

/// <summary>How many messages wait for the node's actors, read from the mailboxes themselves when somebody asks: an actor that nobody looks at pays nothing for it.</summary>
internal static class MailboxDepths
{
    /// <summary>Actors looked at.</summary>
    private const int MaxActors = 2_000;

    /// <summary>
    /// The fullest mailbox of each kind of actor: a sharded entity's kind is its region, any other's its name under /user, of which a child's
    /// messages count as its parent's. Stashed messages are not in a mailbox and not counted.
    /// </summary>
    public static IReadOnlyDictionary<string, long> Read(ActorSystem system)
    {
        var provider = ((ExtendedActorSystem)system).Provider;
        var deepest = new Dictionary<string, long>(StringComparer.Ordinal);
        var left = MaxActors;
        foreach (var actor in Below(provider.Guardian).Concat(Sharding(provider).SelectMany(Below)))
        {
            var path = actor.Path.ToStringWithoutAddress();
            if (!SupervisedPath.IsLasting(path)) continue;
            if (left-- == 0) break;
            var region = SupervisedPath.Sharded(path).Region;
            var kind = region.Length > 0 ? region : path.Split('/')[2];
            deepest[kind] = Math.Max(deepest.GetValueOrDefault(kind), actor.Underlying.NumberOfMessages);
        }

        return deepest;
    }

    private static IEnumerable<ActorRefWithCell> Sharding(IActorRefProvider provider) =>
        provider.SystemGuardian is ActorRefWithCell guardian ? guardian.Children.OfType<ActorRefWithCell>().Where(child => child.Path.Name == "sharding") : [];

    private static IEnumerable<ActorRefWithCell> Below(IActorRef actor) =>
        actor is ActorRefWithCell cell ? cell.Children.OfType<ActorRefWithCell>().SelectMany(child => Below(child).Prepend(child)) : [];
}
