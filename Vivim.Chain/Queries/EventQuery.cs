using System.Runtime.CompilerServices;
using Vivim.Chain.Ledger;
using Vivim.Ledger.Events;
using Vivim.Ledger.Storage;
using Vivim.Protocol.Transactions;

namespace Vivim.Chain.Queries;

/// <summary>A subscription asks for an event that there is not yet.</summary>
public sealed class CursorInFutureException(EventCursor cursor, ulong newest) : Exception($"there is no event at {cursor} yet; the chain is at height {newest}");

/// <summary>What a subscription gets: an event, or the cursor before which everything has been looked at. Exactly one is set.</summary>
public readonly record struct EventItem(LedgerEvent? Event, EventCursor? Progress);

/// <summary>Events from a cursor on, in order, at the reader's pace; nothing is skipped in silence. Scans take turns, a slice of work each.</summary>
/// <param name="chain">Best with a connection of its own: scans read much.</param>
public sealed class EventQuery(IChainReader chain, CallerTurns turns, HeightSignal heights, TimeProvider clock)
{
    /// <summary>Blocks without a wanted event after which a reader with a filter is told how far the scan is. It may be told later, never sooner.</summary>
    public const ulong ProgressInterval = 100;

    /// <summary>Work of one turn; the step that passes it ends the turn.</summary>
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(10);

    /// <summary>The items, until the newest event, or until cancelled where it follows. No turn is held while the reader takes what was found.</summary>
    /// <param name="caller">Whose turns the scan takes.</param>
    /// <param name="from">Inclusive.</param>
    /// <exception cref="EventsPrunedException">The events at the cursor, or where the scan has come to, are not kept.</exception>
    /// <exception cref="CursorInFutureException">There is nothing at the cursor yet.</exception>
    public async IAsyncEnumerable<EventItem> Read(string caller, EventFilter filter, EventCursor from, bool follow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using (await turns.Next(caller, cancellation)) Check(from);
        var scan = new EventScan(chain, filter, from);
        var told = scan.Next;
        for (var newest = chain.Heights().Newest; ; newest = heights.Current)
        {
            while (scan.Next.Height <= newest)
            {
                IReadOnlyList<LedgerEvent> found;
                using (await turns.Next(caller, cancellation)) found = Work(scan, newest);
                foreach (var e in found) yield return new EventItem(e, null);
                if (found.Count == 0 && (filter.IsAll || scan.Next.Height < told.Height + ProgressInterval)) continue;
                if (found.Count == 0) yield return new EventItem(null, scan.Next);
                told = scan.Next;
            }

            if (!filter.IsAll && scan.Next > told) yield return new EventItem(null, told = scan.Next);
            if (!follow) yield break;
            await heights.WaitAbove(newest, cancellation);
        }
    }

    /// <summary>Steps until something is found, or the slice is over.</summary>
    private IReadOnlyList<LedgerEvent> Work(EventScan scan, ulong newest)
    {
        var begun = clock.GetTimestamp();
        while (true)
        {
            var found = scan.Step(newest);
            if (found.Count > 0 || scan.Next.Height > newest || clock.GetElapsedTime(begun) >= Slice) return found;
        }
    }

    private void Check(EventCursor from)
    {
        var (oldest, newest) = chain.Heights();
        if (oldest > 1 && from.Height < oldest) throw new EventsPrunedException(oldest);
        var isFuture = from.Height > newest + 1
            || (from.Height == newest + 1 && from.Index > 0)
            || (from.Index > 0 && from.Height > 0 && from.Height <= newest && from.Index > StoredEvents.Count(chain.ReadEvents(from.Height)));
        if (isFuture) throw new CursorInFutureException(from, newest);
    }
}
