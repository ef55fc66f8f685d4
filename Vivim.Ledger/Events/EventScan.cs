using Vivim.Ledger.Storage;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Events;

/// <summary>A scan asks for events that are not kept.</summary>
/// <param name="oldest">The first height whose events are kept.</param>
public sealed class EventsPrunedException(ulong oldest) : Exception($"events before height {oldest} are not kept")
{
    /// <summary>The first height whose events are kept.</summary>
    public ulong Oldest { get; } = oldest;
}

/// <summary>
/// Finds the events that a filter wants, in order from a cursor on, in steps of bounded work, so that many scans can take turns. Blocks that their
/// summaries rule out are not read.
/// </summary>
public sealed class EventScan(IChainReader chain, EventFilter filter, EventCursor from)
{
    /// <summary>Events that one step finds at most; a scan holds no more of them.</summary>
    public const int MaxEvents = 128;

    /// <summary>Heights that one step passes over at most.</summary>
    private const ulong MaxHeights = 16 * EventSummary.SectionBlocks;

    /// <summary>Where the scan goes on: every event before it has been looked at.</summary>
    public EventCursor Next { get; private set; } = from.Height == 0 ? new EventCursor(1, 0) : from;

    /// <summary>Looks on: at summaries of at most 4,096 blocks, or at the events of one block.</summary>
    /// <param name="newest">The last height to look at, not below that of <see cref="Next"/>.</param>
    /// <returns>The wanted events between the former and the new <see cref="Next"/>; often none.</returns>
    /// <exception cref="EventsPrunedException">The events at <see cref="Next"/> are not kept.</exception>
    public IReadOnlyList<LedgerEvent> Step(ulong newest)
    {
        if (Next.Index == 0 && !filter.IsAll)
        {
            var next = chain.SkipUnmatched(filter, Next.Height, Math.Min(newest, Next.Height + MaxHeights - 1));
            if (next > Next.Height)
            {
                Next = new EventCursor(next, 0);
                return [];
            }
        }

        return Read(chain.ReadEvents(Next.Height) ?? throw new EventsPrunedException(chain.Heights().Oldest));
    }

    private List<LedgerEvent> Read(byte[] stored)
    {
        var found = new List<LedgerEvent>();
        var count = StoredEvents.Count(stored);
        var index = (long)Next.Index;
        for (; index < count && found.Count < MaxEvents; index++)
        {
            var (type, actor) = StoredEvents.KindAt(stored, (int)index);
            if (filter.Matches(type, actor)) found.Add(StoredEvents.At(stored, (int)index));
        }

        Next = index < count ? new EventCursor(Next.Height, (uint)index) : new EventCursor(Next.Height + 1, 0);
        return found;
    }
}
