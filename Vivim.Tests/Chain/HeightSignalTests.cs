using Vivim.Chain.Ledger;

namespace Vivim.Tests.Chain;

public sealed class HeightSignalTests
{
    /// <summary>Whoever waits for the block after H may begin to wait before H is told.</summary>
    [Fact]
    public async Task A_wait_ends_with_a_height_above_the_known_one_and_with_no_lower_one()
    {
        var heights = new HeightSignal();
        heights.Advance(4);
        var wait = heights.WaitAbove(5, CancellationToken.None);

        heights.Advance(5);
        await heights.WaitAbove(4, CancellationToken.None);
        // A wait that ended wrongly would have done so by now: the one that began after it is over.
        Assert.False(wait.IsCompleted);

        heights.Advance(6);
        await wait.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_wait_fails_when_the_node_stops()
    {
        var heights = new HeightSignal();
        var wait = heights.WaitAbove(5, CancellationToken.None);
        heights.Close(new InvalidOperationException("the node stops"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => wait);
        await Assert.ThrowsAsync<InvalidOperationException>(() => heights.WaitAbove(0, CancellationToken.None));
    }
}
