using System.Globalization;
using Akka.Actor;
using Grpc.Core;
using Vivim.Chain.Pool;
using Vivim.Gateway.Node;
using Vivim.Gateway.Operators;
using Vivim.Protocol.Identity;
using Vivim.Protocol.Transactions;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>vivim.v1.Pool: what the proto says of each call. <see cref="OperatorInterceptor"/> stands before it.</summary>
internal sealed class PoolService(NodeHost host) : V1.Pool.PoolBase
{
    private const int DefaultPage = 100;

    /// <summary>One more than a page tells whether there is another.</summary>
    private const int LargestPage = Vivim.Chain.Pool.ListSenders.MaxLimit - 1;

    private static readonly TimeSpan PoolLimit = TimeSpan.FromSeconds(10);

    public override async Task<V1.ListSendersResponse> ListSenders(V1.ListSendersRequest request, ServerCallContext context)
    {
        if (request.PageSize > LargestPage) throw RpcErrors.InvalidArgument($"page_size is at most {LargestPage}");
        var size = request.PageSize == 0 ? DefaultPage : (int)request.PageSize;
        var (places, after) = ReadToken(request.PageToken);
        var lists = await host.Node.Pool.AskAnswering<SendersListed>(
            partition => new ListSenders(partition, places, after, size + 1),
            context.CancellationToken);
        var senders = lists.SelectMany(list => list.Senders).Order(PoolSender.MostPlacesFirst).Take(size + 1).ToList();
        var page = senders.Take(size).ToList();
        var response = new V1.ListSendersResponse { PoolSilent = (uint)(PoolPartitions.Count - lists.Count) };
        if (senders.Count > size) response.NextPageToken = string.Create(CultureInfo.InvariantCulture, $"{page[^1].Places}:{page[^1].Sender}");
        response.Senders.AddRange(page.Select(ToMessage));
        return response;
    }

    public override async Task<V1.DropSenderResponse> DropSender(V1.DropSenderRequest request, ServerCallContext context)
    {
        var sender = RequestValues.Did(request.Did);
        var drop = new DropSender(PoolPartitions.Of(sender), sender, OperatorInterceptor.OperatorOf(context).ToString());
        try
        {
            var dropped = await host.Node.Pool.AskPool<SenderDropped>(drop, PoolLimit, context.CancellationToken);
            return new V1.DropSenderResponse { Dropped = (uint)dropped.Count };
        }
        catch (AskTimeoutException)
        {
            throw RpcErrors.PoolSilent();
        }
    }

    private static (int Places, Did? After) ReadToken(string token)
    {
        if (token.Length == 0) return (0, null);
        var parts = token.Split(':', 2);
        var isWhole = parts.Length == 2;
        return isWhole && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var places) && Did.TryParse(parts[1], out var after)
            ? (places, after)
            : throw RpcErrors.InvalidArgument("page_token is not one that this call has given");
    }

    private static V1.PoolSender ToMessage(PoolSender sender) => new()
    {
        Did = sender.Sender.ToString(),
        Transactions = (uint)sender.Transactions,
        Parked = (uint)sender.Parked,
        Places = (uint)sender.Places,
        Bytes = (ulong)sender.Bytes,
        NextNonce = sender.NextNonce,
        ParkedReason = sender.Reason is { } reason ? Refusal.CodeOf(reason) : "",
        Partition = (uint)PoolPartitions.Of(sender.Sender),
    };
}
