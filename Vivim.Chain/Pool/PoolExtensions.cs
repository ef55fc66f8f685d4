using Akka.Actor;

namespace Vivim.Chain.Pool;

/// <summary>Typed questions to the pool's shard region, wherever in the cluster its partitions are.</summary>
public static class PoolExtensions
{
    /// <summary>What was sent towards a node that has just died, or a partition that moves, is lost: asked again, it finds the partition's new place.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan CountLimit = TimeSpan.FromSeconds(1);

    /// <summary>Asks a partition, and again where it does not answer: every message to the pool may come twice.</summary>
    /// <param name="patience">How long one question waits for its answer; 3 s by default, which a busy partition may need.</param>
    /// <exception cref="AskTimeoutException">It has not answered within the limit.</exception>
    public static async Task<T> AskPool<T>(this IActorRef pool, IPoolMessage message, TimeSpan limit, CancellationToken cancellation, TimeSpan? patience = null)
    {
        var one = patience ?? Patience;
        for (var left = limit - one; ; left -= one)
        {
            try
            {
                return await pool.Ask<T>(message, one, cancellation);
            }
            catch (AskTimeoutException) when (left > TimeSpan.Zero)
            {
                // Its answer may be lost, or itself.
            }
        }
    }

    /// <summary>What one kind of message gets from every partition; those that do not answer in a second are left out.</summary>
    public static async Task<IReadOnlyList<T>> AskAnswering<T>(this IActorRef pool, Func<int, IPoolMessage> message, CancellationToken cancellation)
        where T : class
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, PoolPartitions.Count).Select(partition => Ask(message(partition))));
        return [.. answers.OfType<T>()];

        async Task<T?> Ask(IPoolMessage question)
        {
            try
            {
                return await pool.Ask<T>(question, CountLimit, cancellation);
            }
            catch (AskTimeoutException)
            {
                return null;
            }
        }
    }
}
