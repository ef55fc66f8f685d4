namespace Vivim.Chain.Queries;

/// <summary>
/// An answer that is made once for all who ask at about the same time: it serves until it is too old or there is a newer height, also while it is
/// being made. Thread-safe.
/// </summary>
/// <param name="ask">Makes the answer. It is not cancelled when a caller goes.</param>
/// <param name="freshFor">How old an answer may be.</param>
public sealed class SharedAnswer<T>(Func<Task<T>> ask, TimeSpan freshFor, TimeProvider clock)
{
    private readonly Lock gate = new();
    private Task<T>? answer;
    private ulong answeredAt;
    private long begun;

    /// <summary>The answer, one that was begun at this height or above.</summary>
    /// <param name="height">The last height that the caller may have seen.</param>
    public Task<T> Get(ulong height, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (answer is null || answer.IsFaulted || answer.IsCanceled || answeredAt < height || clock.GetElapsedTime(begun) > freshFor)
            {
                answeredAt = height;
                begun = clock.GetTimestamp();
                answer = Task.Run(ask, CancellationToken.None);
            }

            return answer.WaitAsync(cancellation);
        }
    }
}
