using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Vivim.Gateway.Configuration;

namespace Vivim.Gateway.Limits;

/// <summary>
/// Stands before every connection of both ports, and ends those that <see cref="ConnectionBook"/> has no place for, that make no call in
/// time, or that make the node keep more, or for longer, than they may.
/// </summary>
internal sealed class ConnectionLimiter(
    LimitSettings settings, BytesInFlight bytes, LimitTally tally, TimeProvider clock, ILogger<ConnectionLimiter> log)
{
    private readonly Lock gate = new();
    private readonly ConnectionBook book = new(settings.MaxConnections);
    private readonly Dictionary<ConnectionPlace, CountedMemory> memories = [];
    private readonly long begun = clock.GetTimestamp();
    private int isTrimming;

    private TimeSpan Now => clock.GetElapsedTime(begun);

    /// <summary>Connections there are.</summary>
    public int Count
    {
        get
        {
            lock (gate) return book.Count;
        }
    }

    /// <summary>Serves a connection for as long as it has a place.</summary>
    public async Task Serve(ConnectionContext connection, ConnectionDelegate next)
    {
        var address = CallerAddress.Of((connection.RemoteEndPoint as IPEndPoint)?.Address);
        var pool = connection.Features.GetRequiredFeature<IMemoryPoolFeature>().MemoryPool;
        var memory = new CountedMemory(pool, address, bytes, clock, TrimSoon);
        if (Enter(address, memory, connection) is not { } place) return;
        connection.Features.Set(place);
        connection.Features.Set<IMemoryPoolFeature>(new CountedMemoryFeature(memory));
        try
        {
            await next(connection);
        }
        finally
        {
            Leave(place);
        }
    }

    /// <summary>A call of a connection begins.</summary>
    /// <param name="isOperators">Asked where the connection is on trial.</param>
    /// <returns>False where it is on trial, and not an operator's.</returns>
    public bool TryBegin(ConnectionPlace place, Func<bool> isOperators)
    {
        if (place.Kind == PlaceKind.Trial && !isOperators()) return false;
        lock (gate) place.Begin();
        return true;
    }

    /// <summary>A call of a connection is over.</summary>
    public void End(ConnectionPlace place)
    {
        lock (gate) place.End(Now);
    }

    /// <summary>Ends what has had its time.</summary>
    public void Sweep()
    {
        IReadOnlyList<ConnectionPlace> silent;
        List<ConnectionPlace> stalled;
        lock (gate)
        {
            silent = book.Overdue(Now, settings.FirstCallWithin);
            var kept = memories.Where(entry => entry.Value.HasKept(2 * settings.StalledAfter)).Select(entry => entry.Key);
            stalled = [.. kept.Except(silent)];
        }

        foreach (var place in silent) End(place, "silent");
        foreach (var place in stalled) End(place, "stalled");
        Trim();
    }

    private ConnectionPlace? Enter(CallerAddress address, CountedMemory memory, ConnectionContext connection)
    {
        Entry entry;
        lock (gate)
        {
            var reason = new ConnectionAbortedException("the connection is at a limit of this node");
            entry = book.Enter(address, Now, () => connection.Abort(reason));
            if (entry.Place is not null) memories[entry.Place] = memory;
        }

        if (entry.GaveWay is { } other) End(other, "gave-way");
        if (entry.Place is not null) return entry.Place;
        tally.Connection("full");
        connection.Abort(new ConnectionAbortedException("all places of this node are taken"));
        return null;
    }

    /// <summary>Ends connections, the fullest of an address first, until none makes the node keep more than it may.</summary>
    private void Trim()
    {
        while (bytes.Excessive is { } address && Fullest(address) is { } fullest) End(fullest, "memory");
    }

    /// <summary>
    /// Trims on another thread, and not twice at once: who asks holds a lock of one connection, and ending another takes that one's.
    /// </summary>
    private void TrimSoon()
    {
        if (Interlocked.Exchange(ref isTrimming, 1) != 0) return;
        ThreadPool.UnsafeQueueUserWorkItem(static limiter =>
        {
            Volatile.Write(ref limiter.isTrimming, 0);
            limiter.TryTrim();
        }, this, preferLocal: false);
    }

    private void TryTrim()
    {
        try
        {
            Trim();
        }
        catch (Exception e)
        {
            log.LogError(e, "a connection that makes this node keep too much was not ended; the next sweep tries again");
        }
    }

    private void End(ConnectionPlace place, string reason)
    {
        tally.Connection(reason);
        Leave(place);
        place.Close();
    }

    private void Leave(ConnectionPlace place)
    {
        CountedMemory? memory;
        lock (gate)
        {
            book.Leave(place);
            memories.Remove(place, out memory);
        }

        memory?.Close();
    }

    /// <summary>Of the connections of an address, that which the node keeps the most memory for.</summary>
    private ConnectionPlace? Fullest(CallerAddress address)
    {
        lock (gate)
        {
            var fullest = memories.Where(entry => entry.Key.Address == address).MaxBy(entry => entry.Value.Bytes);
            return fullest.Value is { Bytes: > 0 } ? fullest.Key : null;
        }
    }

    private sealed class CountedMemoryFeature(CountedMemory memory) : IMemoryPoolFeature
    {
        public System.Buffers.MemoryPool<byte> MemoryPool => memory;
    }
}
