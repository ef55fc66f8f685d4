using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Sql.Journal;

namespace Vivim.Actors.Telemetry;

/// <summary>
/// The SQL journal, with its writes measured: the queue to the database and the database, not the way of a message to the journal's mailbox and of
/// the answer back. akka.conf names it as every journal's class.
/// </summary>
public sealed class MeasuredJournal(Config config) : SqlWriteJournal(config)
{
    // The actor is named as its plugin is, vivim-journals.GROUP.
    private readonly string journal = Context.Self.Path.Name.Split('.')[^1];

    protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            var outcome = await base.WriteMessagesAsync(messages, cancellationToken);
            JournalMeter.Written(journal, Stopwatch.GetElapsedTime(start));
            return outcome;
        }
        catch
        {
            JournalMeter.Failed(journal);
            throw;
        }
    }
}
