using FsCheck.Xunit;
using Vivim.Gateway.Limits;
using static Vivim.Tests.Limits.FairSharesTests;

namespace Vivim.Tests.Limits;

/// <summary>Who has a place among the connections of a node.</summary>
public sealed class ConnectionBookTests
{
    private const int Total = 64;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Whoever comes, goes, calls and is silent, in whatever order.</summary>
    [Property(MaxTest = 500)]
    public void Only_what_has_no_call_under_way_gives_way_and_nobody_is_put_off_while_such_a_one_takes_more_room(byte[] steps)
    {
        var book = new ConnectionBook(Total);
        var places = new List<ConnectionPlace>();
        var now = TimeSpan.Zero;
        foreach (var step in steps.Concat(steps))
        {
            now += TimeSpan.FromSeconds(1);
            var place = places.Count == 0 ? null : places[step % places.Count];
            switch (step % 7)
            {
                case 0 when place is not null:
                    book.Leave(place);
                    book.Leave(place);
                    places.Remove(place);
                    break;
                case 1 or 2 when place is not null:
                    place.Begin();
                    break;
                case 3 when place is { IsIdle: false }:
                    place.End(now);
                    break;
                default:
                    Enters(book, places, Caller(step / 7 % 6), now);
                    break;
            }

            Assert.Equal(places.Count, book.Count);
            Assert.InRange(places.Count(one => one.Kind == PlaceKind.Regular), 0, Total);
            Assert.InRange(places.Count(one => one.Kind == PlaceKind.Regular && !one.Address.IsOwnMachine), 0, Total - (Total / 16));
            Assert.InRange(places.Count(one => one.Kind != PlaceKind.Regular), 0, ConnectionBook.Extra);
            Assert.Equal(places.Where(one => !one.HasCalled && now - one.Opened >= Limit).ToHashSet(), book.Overdue(now, Limit).ToHashSet());
        }
    }

    [Fact]
    public void Connections_that_do_nothing_keep_nobody_out_of_any_address()
    {
        var book = new ConnectionBook(Total);
        for (var i = 0; i < 10 * Total; i++) Assert.NotNull(book.Enter(Caller(i % 20), TimeSpan.FromSeconds(i), () => { }).Place);
        Assert.InRange(book.Count, 1, Total + ConnectionBook.Extra);

        // What is busy stays, and is the reason for which others of its address give way.
        for (var i = 0; i < 8; i++)
        {
            var entry = book.Enter(Caller(30 + i), TimeSpan.FromHours(1), () => { });
            Assert.Equal(PlaceKind.Regular, entry.Place!.Kind);
            entry.Place.Begin();
        }
    }

    [Fact]
    public void Where_all_places_are_busy_whoever_shows_a_token_gets_in_and_others_only_try()
    {
        var book = new ConnectionBook(Total);
        var busy = 0;
        while (book.Enter(Caller(1 + busy), TimeSpan.Zero, () => { }).Place is { Kind: PlaceKind.Regular } place)
        {
            place.Begin();
            busy++;
        }

        // Of those on trial, an address that tries again and again pushes out its own.
        var tried = book.Enter(Caller(200), TimeSpan.Zero, () => { }).Place!;
        for (var i = 0; i < 100; i++) Assert.NotEqual(tried, book.Enter(Caller(201), TimeSpan.Zero, () => { }).GaveWay);
        tried.Begin();
        Assert.Equal(PlaceKind.Operator, tried.Kind);

        // The own machine has places of its own.
        Assert.Equal(PlaceKind.Regular, book.Enter(CallerAddress.OwnMachine, TimeSpan.Zero, () => { }).Place!.Kind);
    }

    [Fact]
    public void A_flood_from_many_addresses_leaves_a_connection_on_trial_the_time_for_its_call()
    {
        var book = new ConnectionBook(Total);
        for (var busy = 0; busy < Total; busy++)
        {
            if (book.Enter(Caller(1 + busy), TimeSpan.Zero, () => { }).Place is { Kind: PlaceKind.Regular } place) place.Begin();
            else break;
        }

        while (book.Count < Total - (Total / 16) + ConnectionBook.Extra) book.Enter(Caller(100 + book.Count), TimeSpan.Zero, () => { });
        var almost = ConnectionBook.TrialTime - TimeSpan.FromTicks(1);
        for (var i = 0; i < 50; i++) Assert.Equal(new Entry(null, null), book.Enter(Caller(190 + i), almost, () => { }));
        Assert.NotNull(book.Enter(Caller(250), ConnectionBook.TrialTime, () => { }).GaveWay);
    }

    private static void Enters(ConnectionBook book, List<ConnectionPlace> places, CallerAddress address, TimeSpan now)
    {
        var entry = book.Enter(address, now, () => { });
        if (entry.GaveWay is { } other)
        {
            Assert.True(other.IsIdle);
            Assert.True(places.Remove(other));
        }

        if (entry.Place is null or { Kind: not PlaceKind.Regular })
        {
            var own = places.Count(place => place.Kind == PlaceKind.Regular && place.Address == address);
            Assert.DoesNotContain(places, place => place.Kind == PlaceKind.Regular && place.IsIdle
                && (place.Address == address || ((address.IsOwnMachine || !place.Address.IsOwnMachine) && places.Count(one => one.Kind == PlaceKind.Regular && one.Address == place.Address) > own + 1)));
        }

        if (entry.Place is not null) places.Add(entry.Place);
    }
}
