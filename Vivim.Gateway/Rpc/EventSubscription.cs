using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using Grpc.Core;
using Vivim.Chain.Queries;
using Vivim.Ledger.Events;
using Vivim.Protocol;
using Vivim.Protocol.Transactions;
using Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>A request for events in the terms of <see cref="EventQuery"/>, and what that finds as messages.</summary>
internal sealed class EventSubscription
{
    private static readonly FrozenDictionary<string, LedgerEventType> Types =
        Enum.GetValues<LedgerEventType>().ToFrozenDictionary(type => UpperSnakeCase.Of(type.ToString()), StringComparer.Ordinal);

    private readonly EventFilter filter;
    private readonly EventCursor from;
    private readonly bool follow;

    /// <exception cref="RpcException">INVALID_ARGUMENT: a filter or the cursor is not possible.</exception>
    public EventSubscription(SubscribeEventsRequest request)
    {
        if (request.Authors.Count > EventFilter.MaxAuthors) throw RpcErrors.InvalidArgument($"{request.Authors.Count} authors, at most {EventFilter.MaxAuthors} are allowed");
        if (request.Types_.Count > Types.Count) throw RpcErrors.InvalidArgument($"{request.Types_.Count} event types, and there are {Types.Count}");
        filter = new EventFilter(request.Authors.Select(RequestValues.Did), request.Types_.Select(ParseType));
        from = RequestValues.Cursor(request.From);
        follow = request.Follow;
        // The request lives as long as the stream; the text of 1,024 authors is three times what the filter keeps of them.
        request.Authors.Clear();
    }

    /// <summary>The stream's messages; ends at the last event unless it follows.</summary>
    /// <exception cref="RpcException">CURSOR_TOO_OLD, CURSOR_IN_FUTURE.</exception>
    public async IAsyncEnumerable<SubscribeEventsResponse> Read(EventQuery events, string caller, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var items = events.Read(caller, filter, from, follow, cancellation).GetAsyncEnumerator(cancellation);
        while (await MoveNext(items))
            yield return items.Current.Event is { } e ? new SubscribeEventsResponse { Event = e.ToMessage() } : new SubscribeEventsResponse { Progress = items.Current.Progress.ToString() };
    }

    private static async ValueTask<bool> MoveNext(IAsyncEnumerator<EventItem> items)
    {
        try
        {
            return await items.MoveNextAsync();
        }
        catch (EventsPrunedException e)
        {
            throw RpcErrors.Of(StatusCode.OutOfRange, "CURSOR_TOO_OLD", $"events before height {e.Oldest} are no longer kept here: start from {e.Oldest}:0 and know that there is a gap, or ask a node that keeps all");
        }
        catch (CursorInFutureException e)
        {
            throw RpcErrors.Of(StatusCode.OutOfRange, "CURSOR_IN_FUTURE", e.Message);
        }
    }

    private static LedgerEventType ParseType(string name) =>
        Types.TryGetValue(name, out var type) ? type : throw RpcErrors.InvalidArgument($"'{name}' is not an event type; there are {string.Join(", ", Types.Keys.Order())}");
}
