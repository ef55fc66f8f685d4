using System.Runtime.CompilerServices;
using Grpc.Core;
using Vivim.Gateway.Node;
using Vivim.Ledger.Storage;
using Vivim.Protocol;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;
using Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>Events from a cursor (inclusive), in order, at the pace at which the client takes them; nothing is skipped in silence.</summary>
internal sealed class EventSubscription
{
    private const int MaxAuthors = 1_024;

    /// <summary>Blocks looked at without a match before a progress mark is sent.</summary>
    private const int ProgressInterval = 100;

    private readonly RunningNode node;
    private readonly HashSet<Did> authors;
    private readonly HashSet<LedgerEventType> types;
    private readonly bool follow;
    private EventCursor next;

    /// <exception cref="RpcException">A filter or the cursor is wrong: INVALID_ARGUMENT, CURSOR_TOO_OLD, CURSOR_IN_FUTURE.</exception>
    public EventSubscription(RunningNode node, SubscribeEventsRequest request)
    {
        this.node = node;
        if (request.Authors.Count > MaxAuthors) throw RpcErrors.InvalidArgument($"{request.Authors.Count} authors, at most {MaxAuthors} are allowed");
        authors = [.. request.Authors.Select(RequestValues.Did)];
        types = [.. request.Types_.Select(ParseType)];
        follow = request.Follow;
        next = RequestValues.Cursor(request.From);
        CheckCursor();
    }

    private bool IsFiltered => authors.Count > 0 || types.Count > 0;

    /// <summary>The stream's items; ends at the last event unless it follows.</summary>
    public async IAsyncEnumerable<SubscribeEventsResponse> Read([EnumeratorCancellation] CancellationToken cancellation)
    {
        var unreported = 0;
        while (true)
        {
            var (_, newest) = node.Chain.Heights();
            for (; next.Height <= newest; next = new EventCursor(next.Height + 1, 0))
            {
                cancellation.ThrowIfCancellationRequested();
                unreported++;
                foreach (var e in EventsAt(next))
                {
                    unreported = 0;
                    yield return new SubscribeEventsResponse { Event = e.ToMessage() };
                }

                if (!IsFiltered || unreported < ProgressInterval) continue;
                unreported = 0;
                yield return Progress(next.Height + 1);
            }

            if (IsFiltered && unreported > 0) yield return Progress(next.Height);
            unreported = 0;
            if (!follow) yield break;
            await node.Heights.WaitAbove(newest, cancellation);
        }
    }

    private static SubscribeEventsResponse Progress(ulong height) => new() { Progress = new EventCursor(height, 0).ToString() };

    private IEnumerable<LedgerEvent> EventsAt(EventCursor from)
    {
        if (from.Height == 0) return [];
        var stored = node.Chain.ReadEvents(from.Height) ?? throw TooOld(node.Chain.Heights().Oldest);
        return StoredEvents.Decode(stored).Skip((int)from.Index).Where(e => (authors.Count == 0 || authors.Contains(e.Actor)) && (types.Count == 0 || types.Contains(e.Type)));
    }

    private void CheckCursor()
    {
        var (oldest, newest) = node.Chain.Heights();
        if (oldest > 1 && next.Height < oldest) throw TooOld(oldest);
        var isFuture = next.Height > newest + 1
            || (next.Height == newest + 1 && next.Index > 0)
            || (next.Height > 0 && next.Height <= newest && next.Index > (node.Chain.ReadEvents(next.Height)?.Length ?? 0) / LedgerEvent.Size);
        if (isFuture) throw RpcErrors.Of(StatusCode.OutOfRange, "CURSOR_IN_FUTURE", $"there is no event at {next} yet; the chain is at height {newest}");
    }

    private static RpcException TooOld(ulong oldest) =>
        RpcErrors.Of(StatusCode.OutOfRange, "CURSOR_TOO_OLD", $"events before height {oldest} are no longer kept here: start from {oldest}:0 and know that there is a gap, or ask a node that keeps all");

    private static LedgerEventType ParseType(string name) =>
        Enum.GetValues<LedgerEventType>().Cast<LedgerEventType?>().FirstOrDefault(type => UpperSnakeCase.Of(type.ToString()!) == name)
        ?? throw RpcErrors.InvalidArgument($"'{name}' is not an event type; there are {string.Join(", ", Enum.GetNames<LedgerEventType>().Select(UpperSnakeCase.Of))}");
}
