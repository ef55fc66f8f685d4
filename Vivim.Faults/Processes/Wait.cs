using System.Diagnostics;

namespace Vivim.Faults.Processes;

/// <summary>Waits for what processes bring about, by asking again and again.</summary>
internal static class Wait
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    /// <param name="what">What is waited for, as a clause.</param>
    /// <exception cref="FaultsException">It has not come about within the limit.</exception>
    public static async Task UntilAsync(Func<Task<bool>> condition, TimeSpan limit, string what, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > limit) throw new FaultsException($"after {limit.TotalSeconds:N0} s it is not so that {what}");
            await Task.Delay(Poll, cancellationToken);
        }
    }
}
