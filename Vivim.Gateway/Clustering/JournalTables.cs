using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;

namespace Vivim.Gateway.Clustering;

/// <summary>
/// Has the journals make their tables while nobody else does: of several nodes that start at once in an empty database PostgreSQL refuses all
/// but one, and the journals of the others never start.
/// </summary>
internal static class JournalTables
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <exception cref="StartException">The tables cannot be made.</exception>
    public static async Task Make(NodeSettings settings, DatabaseSettings.PostgreSql shared)
    {
        using var database = NodeDatabase.Open(shared);
        var alone = ConfigurationFactory.ParseString("""
            akka.actor.provider = local
            akka.loggers = ["Akka.Event.DefaultLogger"]
            """);
        using var system = ActorSystem.Create("vivim-init", alone.WithFallback(AkkaConfiguration.Of("ERROR", settings.Cluster, database)));
        foreach (var group in NodeDatabase.JournalGroups) await Start(system, $"vivim-journals.{group}", shared);
        await system.Terminate();
    }

    /// <summary>A journal answers when its tables are there.</summary>
    private static async Task Start(ActorSystem system, string journal, DatabaseSettings.PostgreSql shared)
    {
        using var inbox = Inbox.Create(system);
        Persistence.Instance.Apply(system).JournalFor(journal).Tell(new ReplayMessages(0, 0, 0, "init", inbox.Receiver), inbox.Receiver);
        try
        {
            if (await inbox.ReceiveAsync(Limit) is RecoverySuccess) return;
        }
        catch (TimeoutException)
        {
            // Said below, as when the answer is another.
        }

        throw new StartException($"the tables of {journal} cannot be made in {shared.Place}: see that {shared.User} may create tables there");
    }
}
