namespace Vivim.Chain.Pool;

/// <summary>
/// Brings answers back into the order of their questions. What comes from one client in order must be admitted in order, although several
/// verifiers answer for it: a nonce that overtakes the one before it would have a gap.
/// </summary>
/// <typeparam name="T">An answer.</typeparam>
internal sealed class ArrivalOrder<T>
    where T : class
{
    private readonly SortedDictionary<long, T?> early = [];
    private long asked;
    private long due;

    /// <summary>A question is asked.</summary>
    /// <returns>Its number, which its answer must bring.</returns>
    public long Ask() => asked++;

    /// <summary>An answer has come.</summary>
    /// <param name="answer">Null where there is none: the others need not wait for it.</param>
    /// <returns>The answers that are due now, in order.</returns>
    public IReadOnlyList<T> Answer(long number, T? answer)
    {
        early[number] = answer;
        var ready = new List<T>();
        while (early.Remove(due, out var next))
        {
            due++;
            if (next is not null) ready.Add(next);
        }

        return ready;
    }

    /// <summary>Takes back the answers that wait for earlier ones, to have their questions asked again under the same numbers.</summary>
    public IReadOnlyList<T> TakeWaiting()
    {
        var waiting = early.Where(answer => answer.Value is not null).ToList();
        foreach (var (number, _) in waiting) early.Remove(number);
        return [.. waiting.Select(answer => answer.Value!)];
    }
}
