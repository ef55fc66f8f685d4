using Vivim.Gateway.Metrics;
using Vivim.Protocol;

namespace Vivim.Tests.Gateway;

/// <summary>How long transactions take to their commit.</summary>
public sealed class AcceptedTransactionsTests
{
    private readonly SetTime clock = new(DateTimeOffset.UnixEpoch);

    [Fact]
    public void The_first_time_counts_and_each_commit_is_measured_once()
    {
        var accepted = new AcceptedTransactions(clock);
        accepted.Take(Id(1));
        clock.Now += TimeSpan.FromSeconds(2);
        accepted.Take(Id(1));
        accepted.Take(Id(2));
        clock.Now += TimeSpan.FromSeconds(3);
        accepted.Forget(Id(2));

        Assert.Equal(TimeSpan.FromSeconds(5), accepted.Commit(Id(1)));
        Assert.Null(accepted.Commit(Id(1)));
        Assert.Null(accepted.Commit(Id(2)));
        Assert.Equal(0, accepted.Count);
    }

    [Fact]
    public void What_is_never_committed_makes_room_for_what_is_new()
    {
        var accepted = new AcceptedTransactions(clock);
        for (var i = 0; i < AcceptedTransactions.Capacity + 10; i++) accepted.Take(Id(i));

        Assert.Equal(AcceptedTransactions.Capacity, accepted.Count);
        Assert.Null(accepted.Commit(Id(9)));
        Assert.NotNull(accepted.Commit(Id(10)));
        Assert.NotNull(accepted.Commit(Id(AcceptedTransactions.Capacity + 9)));
    }

    private static Hash256 Id(int number) => Hash256.Of(BitConverter.GetBytes(number));
}
