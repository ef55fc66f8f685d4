using Akka.Actor;
using Akka.Persistence;
using Npgsql;
using Vivim.Gateway.Configuration;
using Vivim.Gateway.Node;

namespace Vivim.Gateway.Clustering;

/// <summary>
/// Has the journals make their tables while nobody else does: of several nodes that start at once in an empty database PostgreSQL refuses all
/// but one, and the journals of the others never start.
/// </summary>
internal static class JournalTables
{
    /// <summary>
    /// A journal only grows. That a number cannot be written twice stops an actor that another has replaced, but not for long: once the
    /// replacement has deleted what is settled, the numbers below are free again. The plugin keeps the row of the highest number.
    /// </summary>
    private const string Growing = """
        CREATE OR REPLACE FUNCTION vivim_journal_grows() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
          highest bigint;
        BEGIN
          EXECUTE format('SELECT max(sequence_number) FROM %I WHERE persistence_id = $1', TG_TABLE_NAME) INTO highest USING NEW.persistence_id;
          IF NEW.sequence_number <= highest THEN
            RAISE unique_violation USING MESSAGE = format('%s is at number %s already: another incarnation writes it', NEW.persistence_id, highest);
          END IF;
          RETURN NEW;
        END $$;
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <exception cref="StartException">The tables cannot be made.</exception>
    public static async Task Make(DatabaseSettings.PostgreSql shared, CancellationToken cancellation)
    {
        using var database = NodeDatabase.Open(shared);
        using var system = ActorSystem.Create("vivim-init", AkkaConfiguration.OfJournals(database));
        foreach (var group in NodeDatabase.JournalGroups) await Start(system, $"vivim-journals.{group}", shared);
        await system.Terminate();
        await using var connection = new NpgsqlConnection(shared.ConnectionString);
        await connection.OpenAsync(cancellation);
        var triggers = NodeDatabase.JournalGroups.Select(group => $"DROP TRIGGER IF EXISTS grows ON {group}_journal; CREATE TRIGGER grows BEFORE INSERT ON {group}_journal FOR EACH ROW EXECUTE FUNCTION vivim_journal_grows();");
        await using var command = new NpgsqlCommand(Growing + string.Join('\n', triggers), connection);
        await command.ExecuteNonQueryAsync(cancellation);
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
