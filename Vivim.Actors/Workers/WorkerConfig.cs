namespace Vivim.Actors.Workers;

/// <summary>A worker's configuration is not possible.</summary>
public sealed class WorkerConfigException(string field, string value, string allowed) : Exception($"{field} = {value} is not possible; allowed: {allowed}")
{
    /// <summary>The field, as <see cref="WorkerConfig"/> has it.</summary>
    public string Field { get; } = field;
}

/// <summary>What a worker is and what it may use. <see cref="Validate"/> says whether it is possible.</summary>
public sealed record WorkerConfig
{
    /// <summary>Priorities go from 1 to this.</summary>
    public const int MaxPriority = 10;

    /// <summary>A worker holds at least one task of any size.</summary>
    public const long MinMemory = 64 << 10;

    private const int MaxIdLength = 100;

    private static readonly TimeSpan MaxTimeout = TimeSpan.FromHours(24);

    /// <summary>Unique in the cluster: <c>type-partition</c>.</summary>
    public required string WorkerId { get; init; }

    /// <summary>The name of its <see cref="WorkerType"/>.</summary>
    public required string WorkerType { get; init; }

    /// <summary>1 to 10: its share of the node's turns to work, where more want one than there are.</summary>
    public int Priority { get; init; } = 5;

    /// <summary>Bytes of the tasks that wait: one that would exceed them is refused.</summary>
    public long MaxMemory { get; init; } = 16 << 20;

    /// <summary>Percent of one processor's time, 1 to 100: after a task the next waits until what was used fits.</summary>
    public int MaxCpu { get; init; } = 100;

    /// <summary>How long a task may take, and a lease lasts.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For failed tasks; its pauses are also those between restarts.</summary>
    public RetryPolicy RetryPolicy { get; init; } = new(5, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1), 20);

    /// <summary>Types of which every worker must run before this one starts.</summary>
    public IReadOnlyList<string> Dependencies { get; init; } = [];

    /// <exception cref="WorkerConfigException">Something is not possible; it names the first such field.</exception>
    public void Validate()
    {
        Require(IsName(WorkerId), nameof(WorkerId), WorkerId, $"1 to {MaxIdLength} letters, digits, '-', '_' and '.'");
        Require(IsName(WorkerType) && !WorkerType.Contains('-', StringComparison.Ordinal), nameof(WorkerType), WorkerType, "letters and digits");
        Require(WorkerId.StartsWith(WorkerType + "-", StringComparison.Ordinal), nameof(WorkerId), WorkerId, $"{WorkerType}-PARTITION");
        Require(Priority is >= 1 and <= MaxPriority, nameof(Priority), $"{Priority}", $"1 to {MaxPriority}");
        Require(MaxMemory >= MinMemory, nameof(MaxMemory), $"{MaxMemory}", $"at least {MinMemory} bytes");
        Require(MaxCpu is >= 1 and <= 100, nameof(MaxCpu), $"{MaxCpu}", "1 to 100 percent");
        Require(Timeout > TimeSpan.Zero && Timeout <= MaxTimeout, nameof(Timeout), $"{Timeout}", $"more than nothing and at most {MaxTimeout}");
        Require(RetryPolicy.Attempts is >= 1 and <= RetryPolicy.MaxAttempts, $"{nameof(RetryPolicy)}.{nameof(RetryPolicy.Attempts)}", $"{RetryPolicy.Attempts}", $"1 to {RetryPolicy.MaxAttempts}");
        Require(RetryPolicy.First > TimeSpan.Zero, $"{nameof(RetryPolicy)}.{nameof(RetryPolicy.First)}", $"{RetryPolicy.First}", "more than nothing");
        Require(RetryPolicy.Longest >= RetryPolicy.First && RetryPolicy.Longest <= MaxTimeout, $"{nameof(RetryPolicy)}.{nameof(RetryPolicy.Longest)}", $"{RetryPolicy.Longest}", $"{RetryPolicy.First} to {MaxTimeout}");
        Require(RetryPolicy.JitterPercent is >= 0 and <= 100, $"{nameof(RetryPolicy)}.{nameof(RetryPolicy.JitterPercent)}", $"{RetryPolicy.JitterPercent}", "0 to 100 percent");
        Require(Dependencies.All(IsName), nameof(Dependencies), string.Join(", ", Dependencies), "names of worker types");
    }

    private static bool IsName(string text) => text.Length is > 0 and <= MaxIdLength && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static void Require(bool isPossible, string field, string value, string allowed)
    {
        if (!isPossible) throw new WorkerConfigException(field, value, allowed);
    }
}
