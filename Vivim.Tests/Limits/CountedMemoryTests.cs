using System.Buffers;
using Vivim.Gateway.Limits;
using static Vivim.Tests.Limits.FairSharesTests;

namespace Vivim.Tests.Limits;

/// <summary>What a connection makes the server keep.</summary>
public sealed class CountedMemoryTests
{
    [Fact]
    public void Whoever_makes_the_server_keep_more_than_its_share_is_told_of_at_once()
    {
        var bytes = new BytesInFlight(1 << 20, TimeProvider.System);
        var told = 0;
        using var memory = new CountedMemory(MemoryPool<byte>.Shared, Caller(1), bytes, TimeProvider.System, () => told++);
        while (told == 0) memory.Rent(4_096);

        Assert.InRange(bytes.Used, 1 << 18, 1 << 19);
        Assert.Equal(Caller(1), bytes.Excessive);
        Assert.True(bytes.TryTakeForCall(Caller(2), 1 << 17));
        memory.Close();
        Assert.Null(bytes.Excessive);
        Assert.Equal(1 << 17, bytes.Used);
    }

    /// <summary>The end can come at any moment of it, from another thread.</summary>
    [Fact]
    public async Task A_block_that_is_rented_while_its_connection_ends_is_charged_to_nobody()
    {
        var bytes = new BytesInFlight(1 << 30, TimeProvider.System);
        CountedMemory? memory = null;
        IMemoryOwner<byte>? block = null;
        using var together = new Barrier(2);
        var ending = Task.Factory.StartNew(() => Rounds(() => memory!.Close()), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Rounds(() => block = memory!.Rent(4_096), () => memory = new CountedMemory(MemoryPool<byte>.Shared, Caller(1), bytes, TimeProvider.System, () => { }), () =>
        {
            Assert.Equal(0, bytes.Used);
            block!.Dispose();
            Assert.Equal(0, bytes.Used);
        });
        await ending;

        void Rounds(Action act, Action? before = null, Action? after = null)
        {
            for (var i = 0; i < 20_000; i++)
            {
                before?.Invoke();
                Assert.True(together.SignalAndWait(TimeSpan.FromMinutes(1)));
                act();
                Assert.True(together.SignalAndWait(TimeSpan.FromMinutes(1)));
                after?.Invoke();
            }
        }
    }
}
