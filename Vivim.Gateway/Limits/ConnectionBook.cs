namespace Vivim.Gateway.Limits;

/// <summary>What a connection's place is worth.</summary>
internal enum PlaceKind
{
    /// <summary>Within the limits.</summary>
    Regular,

    /// <summary>Beyond the limits: it ends unless its first call is an operator's.</summary>
    Trial,

    /// <summary>Beyond the limits, and an operator's.</summary>
    Operator,
}

/// <summary>The place of one connection among those of the node.</summary>
/// <param name="opened">When the connection came.</param>
/// <param name="close">How the connection is ended; the book does not call it.</param>
internal sealed class ConnectionPlace(CallerAddress address, TimeSpan opened, Action close)
{
    private int calls;
    private TimeSpan? lastCallEnded;

    /// <summary>Where the connection comes from.</summary>
    public CallerAddress Address => address;

    /// <summary>Ends the connection.</summary>
    public Action Close => close;

    /// <summary>What it is worth.</summary>
    public PlaceKind Kind { get; internal set; }

    /// <summary>Whether the connection has no call under way.</summary>
    public bool IsIdle => calls == 0;

    /// <summary>Whether it has ever made a call.</summary>
    public bool HasCalled { get; private set; }

    /// <summary>Since when it is idle, where it is.</summary>
    public TimeSpan IdleSince => lastCallEnded ?? opened;

    /// <summary>When the connection came.</summary>
    public TimeSpan Opened => opened;

    /// <summary>A call of the connection begins. A connection that is still on trial is an operator's by it.</summary>
    public void Begin()
    {
        calls++;
        HasCalled = true;
        if (Kind == PlaceKind.Trial) Kind = PlaceKind.Operator;
    }

    /// <summary>A call of the connection is over.</summary>
    public void End(TimeSpan now)
    {
        calls--;
        lastCallEnded = now;
    }
}

/// <summary>What becomes of a new connection.</summary>
/// <param name="Place">Its place; null where it is refused.</param>
/// <param name="GaveWay">The place of the connection that is to be ended for it; null for none.</param>
internal readonly record struct Entry(ConnectionPlace? Place, ConnectionPlace? GaveWay);

/// <summary>
/// Knows every connection of the node, and shares the places by <see cref="FairShares"/>. Where a new connection finds none, one without a
/// call under way gives way to it, first those that have never made a call: so connections that do nothing keep nobody out. Where all are
/// busy, a few trial places are left, for operators. A deterministic core.
/// </summary>
/// <param name="total">Connections within the limits.</param>
internal sealed class ConnectionBook(int total)
{
    /// <summary>Places beyond the limits, for operators and those who are still to show that they are.</summary>
    public const int Extra = 16;

    /// <summary>How long a connection on trial is left to make its call, where its address has no other on trial.</summary>
    public static readonly TimeSpan TrialTime = TimeSpan.FromSeconds(1);

    /// <summary>An address may hold one in so many of the free places.</summary>
    private const long Divisor = 8;

    private readonly FairShares shares = new(total);
    private readonly Dictionary<CallerAddress, HashSet<ConnectionPlace>> regular = [];
    private readonly HashSet<ConnectionPlace> extra = [];

    /// <summary>Connections that have a place.</summary>
    public int Count => (int)shares.Used + extra.Count;

    /// <summary>A connection comes.</summary>
    /// <param name="close">How it is ended.</param>
    public Entry Enter(CallerAddress address, TimeSpan now, Action close)
    {
        var place = new ConnectionPlace(address, now, close);
        if (shares.Fits(address, 1, Divisor)) return new Entry(Add(place), null);
        // Of its own address where that is at its share, else of the address that has the most.
        if (GivesWay(address) is not { } other) return EnterOnTrial(place, now);
        Leave(other);
        return new Entry(Add(place), other);
    }

    /// <summary>A connection has ended. Says nothing where it has left before.</summary>
    public void Leave(ConnectionPlace place)
    {
        if (extra.Remove(place) || !regular.TryGetValue(place.Address, out var places) || !places.Remove(place)) return;
        if (places.Count == 0) regular.Remove(place.Address);
        shares.Give(place.Address, 1);
    }

    /// <summary>Those that have made no call in time; one that is refused counts for none.</summary>
    public IReadOnlyList<ConnectionPlace> Overdue(TimeSpan now, TimeSpan limit) =>
        [.. regular.Values.SelectMany(places => places).Concat(extra).Where(place => !place.HasCalled && now - place.Opened >= limit)];

    private ConnectionPlace Add(ConnectionPlace place)
    {
        shares.Charge(place.Address, 1);
        if (!regular.TryGetValue(place.Address, out var places)) regular[place.Address] = places = [];
        places.Add(place);
        return place;
    }

    private ConnectionPlace? GivesWay(CallerAddress address)
    {
        var own = shares.Held(address);
        if (own > 0 && Idle(address) is { } ownIdle) return ownIdle;
        // No address gives way to one that has as many, nor the own machine to another.
        var larger = regular.Where(entry => entry.Value.Count > own + 1 && (address.IsOwnMachine || !entry.Key.IsOwnMachine));
        var idle = larger.OrderByDescending(entry => entry.Value.Count).Select(entry => Idle(entry.Key));
        return idle.FirstOrDefault(place => place is not null);
    }

    private ConnectionPlace? Idle(CallerAddress address) =>
        regular[address].Where(place => place.IsIdle).OrderBy(place => place.HasCalled).ThenBy(place => place.IdleSince).FirstOrDefault();

    private Entry EnterOnTrial(ConnectionPlace place, TimeSpan now)
    {
        place.Kind = PlaceKind.Trial;
        ConnectionPlace? other = null;
        if (extra.Count >= Extra)
        {
            // Not at once the only one of its address: an operator's call may be on its way.
            var trials = extra.Where(taken => taken.Kind == PlaceKind.Trial).GroupBy(taken => taken.Address);
            other = trials.OrderByDescending(group => group.Count()).ThenBy(group => group.Min(taken => taken.Opened)).FirstOrDefault()
                ?.MinBy(taken => taken.Opened);
            if (other is null) return new Entry(null, null);
            if (now - other.Opened < TrialTime && extra.Count(taken => taken.Address == other.Address) == 1) return new Entry(null, null);
            extra.Remove(other);
        }

        extra.Add(place);
        return new Entry(place, other);
    }
}
