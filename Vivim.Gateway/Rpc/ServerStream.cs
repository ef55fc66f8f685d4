using Grpc.Core;

namespace Vivim.Gateway.Rpc;

/// <summary>Sends what comes to a caller that stays.</summary>
internal static class ServerStream
{
    /// <summary>Sends one message for each item, until there are no more, the caller hangs up or the node stops.</summary>
    /// <param name="items">The items, until cancelled.</param>
    /// <exception cref="RpcException">NOT_READY: the node stops.</exception>
    public static async Task Send<TItem, TMessage>(this IServerStreamWriter<TMessage> stream, Func<CancellationToken, IAsyncEnumerable<TItem>> items, Func<TItem, TMessage> message, CancellationToken hangUp, CancellationToken stopping)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(hangUp, stopping);
        try
        {
            await foreach (var item in items(end.Token)) await stream.WriteAsync(message(item), end.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw RpcErrors.NotReady();
        }
    }
}
