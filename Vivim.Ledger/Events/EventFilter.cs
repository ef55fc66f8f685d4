using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;

namespace Vivim.Ledger.Events;

/// <summary>Which events a reader wants.</summary>
public sealed class EventFilter
{
    /// <summary>Authors that one filter may name.</summary>
    public const int MaxAuthors = 1_024;

    private readonly HashSet<Did> authors;
    private readonly HashSet<LedgerEventType> types;
    private readonly ulong[] authorHashes;
    private readonly ulong typeBits;

    /// <param name="authors">Wanted actors; all when empty.</param>
    /// <param name="types">Wanted types; all when empty.</param>
    /// <exception cref="ArgumentException">More than <see cref="MaxAuthors"/> authors.</exception>
    public EventFilter(IEnumerable<Did> authors, IEnumerable<LedgerEventType> types)
    {
        this.authors = [.. authors];
        this.types = [.. types];
        if (this.authors.Count > MaxAuthors) throw new ArgumentException($"{this.authors.Count} authors, at most {MaxAuthors} are allowed", nameof(authors));
        authorHashes = [.. this.authors.Select(author => EventSummary.ActorHash(author)).Order()];
        typeBits = this.types.Aggregate(0UL, (bits, type) => bits | EventSummary.TypeBit(type));
    }

    /// <summary>Takes every event.</summary>
    public static EventFilter All { get; } = new([], []);

    /// <summary>Whether every event is wanted.</summary>
    public bool IsAll => authors.Count == 0 && types.Count == 0;

    /// <summary>Whether an event of this type and actor is wanted.</summary>
    public bool Matches(LedgerEventType type, in Did actor) => (types.Count == 0 || types.Contains(type)) && (authors.Count == 0 || authors.Contains(actor));

    /// <summary>False where none of the summarized events is wanted; true where one is, or rarely where the summary cannot tell.</summary>
    /// <param name="summary">An <see cref="EventSummary"/>.</param>
    public bool MayMatch(ReadOnlySpan<byte> summary)
    {
        var present = EventSummary.TypesOf(summary);
        if (types.Count > 0) present &= typeBits;
        if (present == 0) return false;
        return authors.Count == 0 || EventSummary.MayHave(summary, authorHashes, present);
    }
}
