using FsCheck.Xunit;
using Microsoft.Data.Sqlite;
using Vivim.Ledger.Events;
using Vivim.Ledger.Storage;
using Vivim.Ledger.Storage.Sqlite;
using Vivim.Protocol;
using Vivim.Protocol.Encoding;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Proofs;
using Vivim.Protocol.Transactions;

namespace Vivim.Tests.Ledger;

/// <summary>A filtered scan finds what a look at every event finds, and reads the events of few blocks for it.</summary>
public sealed class EventScanTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string ChainFile => folder.PathOf("chain.db");

    public void Dispose() => folder.Dispose();

    [Property(MaxTest = 20)]
    public void A_scan_finds_what_a_look_at_every_event_finds(int seed)
    {
        using var own = new TemporaryFolder();
        var random = new Random(seed);
        var file = own.PathOf("chain.db");
        // Anywhere around the borders of two sections; chains that begin later come from a snapshot, or have dropped blocks.
        var first = random.Next(2) == 0 ? 1UL : (ulong)random.Next(1, 300);
        var last = first + (ulong)random.Next(1, 560);
        var events = Enumerable.Range((int)first, (int)(last - first + 1)).ToDictionary(height => (ulong)height, height => Events(random, (ulong)height, people: 12));
        using (var store = new SqliteChainStore(file))
        {
            foreach (var (height, of) in events) Append(store, height, of);
            var kept = random.Next(3) == 0 ? first + (ulong)random.Next((int)(last - first)) : first;
            store.DropBlocksBelow(kept);
            first = kept;
        }

        if (random.Next(3) == 0) ForgetSummaries(file, after: (ulong)random.Next((int)last + 1));
        using var again = new SqliteChainStore(file);
        for (var i = 0; i < 10; i++)
        {
            var filter = RandomFilter(random, people: 15, out var wanted);
            var from = new EventCursor(first + (ulong)random.Next((int)(last - first + 1)), (uint)random.Next(3));
            var naive = events.Where(block => block.Key >= from.Height).SelectMany(block => block.Value).Where(e => e.Cursor >= from && wanted(e));
            Assert.Equal(naive, Scan(again, filter, from, last));
        }
    }

    [Fact]
    public void A_filter_that_never_matches_reads_the_events_of_no_block()
    {
        using var store = ChainOf(600);
        var strangers = Enumerable.Range(0, EventFilter.MaxAuthors).Select(i => new Did(DidMethod.Vivim, Hash256.Of([1, (byte)i, (byte)(i >> 8)])));
        EventFilter[] filters =
        [
            new([PersonOf(1_000)], []),
            new(strangers, []),
            new([], [LedgerEventType.ValidatorJailed]),
            // Everybody follows in every block, and nobody does the other.
            new([PersonOf(1), PersonOf(2)], [LedgerEventType.Unfollowed]),
        ];
        foreach (var filter in filters)
        {
            var chain = new CountingReader(store);
            Assert.Empty(Scan(chain, filter, default, 600));
            Assert.Equal(0, chain.EventReads);
            // Two sections, then the blocks before and after them.
            Assert.InRange(chain.Skips, 1, 6);
        }
    }

    [Fact]
    public void A_filter_that_matches_one_block_reads_that_one()
    {
        using var store = new SqliteChainStore(ChainFile);
        for (var height = 1UL; height <= 300; height++) Append(store, height, [EventOf(height, 0, LedgerEventType.Followed, height == 123 ? 7 : 1)]);
        var chain = new CountingReader(store);
        var found = Assert.Single(Scan(chain, new EventFilter([PersonOf(7)], []), default, 300));
        Assert.Equal((123UL, 1), (found.Height, chain.EventReads));
    }

    [Fact]
    public void A_chain_of_an_earlier_version_is_summarized_when_it_is_opened()
    {
        ChainOf(300).Dispose();
        ForgetSummaries(ChainFile, after: 0);
        using var store = new SqliteChainStore(ChainFile);
        var chain = new CountingReader(store);
        Assert.Empty(Scan(chain, new EventFilter([PersonOf(1_000)], []), default, 300));
        Assert.Equal(0, chain.EventReads);
    }

    [Fact]
    public void A_scan_over_blocks_that_are_dropped_meanwhile_says_so_and_leaves_no_gap()
    {
        using var store = ChainOf(300);
        var scan = new EventScan(store, new EventFilter([PersonOf(1)], []), new EventCursor(10, 0));
        Assert.NotEmpty(scan.Step(300));
        store.DropBlocksBelow(280);
        Assert.Equal(280UL, Assert.Throws<EventsPrunedException>(() => scan.Step(300)).Oldest);
    }

    [Fact]
    public void Summaries_go_with_their_blocks()
    {
        using (var store = ChainOf(600)) store.DropBlocksBelow(530);
        using var connection = new SqliteConnection($"Data Source={ChainFile}");
        connection.Open();
        using var summaries = connection.CreateCommand();
        summaries.CommandText = "SELECT (SELECT min(height) FROM event_summaries), (SELECT count(*) FROM section_summaries)";
        using var row = summaries.ExecuteReader();
        row.Read();
        Assert.Equal((530, 0), (row.GetInt32(0), row.GetInt32(1)));
    }

    [Fact]
    public void Blocks_from_a_snapshot_take_their_summaries_with_them()
    {
        using var store = ChainOf(300);
        var events = new[] { EventOf(400, 0, LedgerEventType.Followed, 7) };
        store.BeginReplacing();
        store.Replace(Record(400, events), [], []);
        Assert.Equal(events, Scan(store, new EventFilter([PersonOf(7)], []), new EventCursor(400, 0), 400));
        Assert.Throws<EventsPrunedException>(() => new EventScan(store, new EventFilter([PersonOf(9)], []), new EventCursor(10, 0)).Step(400));
        for (var height = 401UL; height <= 600; height++) Append(store, height, [EventOf(height, 0, LedgerEventType.Followed, 1)]);
        // The section of 256 to 511 lacks blocks, so that it must not vouch for them.
        Assert.Throws<EventsPrunedException>(() => new EventScan(store, new EventFilter([PersonOf(9)], []), new EventCursor(256, 0)).Step(600));
    }

    [Fact]
    public void A_step_finds_a_bounded_number_and_goes_on_in_the_middle_of_a_block()
    {
        using var store = new SqliteChainStore(ChainFile);
        LedgerEvent[] events = [.. Enumerable.Range(0, 300).Select(i => EventOf(1, (uint)i, LedgerEventType.Followed, i))];
        Append(store, 1, events);
        var scan = new EventScan(store, EventFilter.All, default);
        Assert.Equal(events.Take(EventScan.MaxEvents), scan.Step(1));
        Assert.Equal(new EventCursor(1, EventScan.MaxEvents), scan.Next);
        Assert.Equal(events.Skip(EventScan.MaxEvents), [.. scan.Step(1), .. scan.Step(1)]);
        Assert.Equal(new EventCursor(2, 0), scan.Next);
    }

    /// <summary>Blocks in each of which two people follow somebody; somebody else unfollows.</summary>
    private SqliteChainStore ChainOf(ulong blocks)
    {
        var store = new SqliteChainStore(ChainFile);
        for (var height = 1UL; height <= blocks; height++)
            Append(store, height, [EventOf(height, 0, LedgerEventType.Followed, 1), EventOf(height, 1, LedgerEventType.Followed, 2), EventOf(height, 2, LedgerEventType.Unfollowed, 3)]);
        return store;
    }

    private static List<LedgerEvent> Scan(IChainReader chain, EventFilter filter, EventCursor from, ulong newest)
    {
        var found = new List<LedgerEvent>();
        for (var scan = new EventScan(chain, filter, from); scan.Next.Height <= newest;) found.AddRange(scan.Step(newest));
        return found;
    }

    private static void Append(SqliteChainStore store, ulong height, IReadOnlyList<LedgerEvent> events) => store.Append(Record(height, events), [], [], null);

    private static BlockRecord Record(ulong height, IReadOnlyList<LedgerEvent> events)
    {
        var writer = new CanonicalWriter();
        foreach (var e in events) e.Encode(writer);
        return new BlockRecord(height, [], [], [], writer.ToArray());
    }

    private static List<LedgerEvent> Events(Random random, ulong height, int people) =>
        random.Next(3) == 0 ? [] : [.. Enumerable.Range(0, random.Next(4)).Select(i => EventOf(height, (uint)i, RandomType(random), random.Next(people)))];

    private static LedgerEventType RandomType(Random random) => (LedgerEventType)random.Next(1, 9);

    private static LedgerEvent EventOf(ulong height, uint index, LedgerEventType type, int person) => new(height, index, type, PersonOf(person), PersonOf(0), Hash256.Zero);

    private static Did PersonOf(int number) => new(number % 2 == 0 ? DidMethod.Vivim : DidMethod.Key, Hash256.Of([(byte)number, (byte)(number >> 8)]));

    private static EventFilter RandomFilter(Random random, int people, out Func<LedgerEvent, bool> wanted)
    {
        List<Did> authors = [.. Enumerable.Range(0, random.Next(4)).Select(_ => PersonOf(random.Next(people)))];
        List<LedgerEventType> types = [.. Enumerable.Range(0, random.Next(3)).Select(_ => RandomType(random))];
        wanted = e => (authors.Count == 0 || authors.Contains(e.Actor)) && (types.Count == 0 || types.Contains(e.Type));
        return new EventFilter(authors, types);
    }

    /// <summary>Makes the file one that a version without summaries has written on, after a height.</summary>
    private static void ForgetSummaries(string file, ulong after)
    {
        using var connection = new SqliteConnection($"Data Source={file};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = after == 0
            ? "DROP TABLE event_summaries; DROP TABLE section_summaries"
            : $"DELETE FROM event_summaries WHERE height > {after}; DELETE FROM section_summaries WHERE section >= {after / EventSummary.SectionBlocks}";
        command.ExecuteNonQuery();
    }

    /// <summary>Counts what a scan reads.</summary>
    private sealed class CountingReader(IChainReader chain) : IChainReader
    {
        public int EventReads { get; private set; }

        public int Skips { get; private set; }

        public byte[]? ReadEvents(ulong height)
        {
            EventReads++;
            return chain.ReadEvents(height);
        }

        public ulong SkipUnmatched(EventFilter filter, ulong from, ulong to)
        {
            Skips++;
            return chain.SkipUnmatched(filter, from, to);
        }

        public (ulong Oldest, ulong Newest) Heights() => chain.Heights();

        public BlockRecord? Read(ulong height) => chain.Read(height);

        public long? SizeOf(ulong height) => chain.SizeOf(height);

        public IReadOnlyList<ValidatorSetChange> SetChangesBelow(ulong height) => chain.SetChangesBelow(height);

        public TransactionPosition? Find(Hash256 transactionId) => chain.Find(transactionId);
    }
}
