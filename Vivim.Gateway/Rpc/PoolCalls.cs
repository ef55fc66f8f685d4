using Akka.Actor;
using Vivim.Chain.Pool;
using Vivim.Gateway.Node;

namespace Vivim.Gateway.Rpc;

/// <summary>Questions to pool partitions, wherever in the cluster they are.</summary>
internal static class PoolCalls
{
    private const int Attempts = 5;

    /// <summary>What was sent towards a node that has just died is lost: asked again, the message finds the partition's new place.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan CountLimit = TimeSpan.FromSeconds(1);

    /// <summary>Asks a partition, again where it does not answer: every message to the pool may come twice.</summary>
    /// <exception cref="AskTimeoutException">It has not answered for 15 seconds.</exception>
    public static async Task<T> AskPool<T>(this RunningNode node, IPoolMessage message, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await node.Pool.Ask<T>(message, Patience, cancellation);
            }
            catch (AskTimeoutException) when (attempt < Attempts)
            {
                // Its answer may be lost, or itself.
            }
        }
    }

    /// <summary>What one kind of message gets from every partition; those that do not answer in time are left out.</summary>
    public static async Task<IReadOnlyList<T>> AskAnswering<T>(this RunningNode node, Func<int, IPoolMessage> message, CancellationToken cancellation)
        where T : class
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, PoolPartitions.Count).Select(partition => Ask(message(partition))));
        return [.. answers.OfType<T>()];

        async Task<T?> Ask(IPoolMessage question)
        {
            try
            {
                return await node.Pool.Ask<T>(question, CountLimit, cancellation);
            }
            catch (AskTimeoutException)
            {
                return null;
            }
        }
    }
}
