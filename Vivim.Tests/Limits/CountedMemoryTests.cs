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

    /// <summary>Another thread ends the connection in the middle of many rents.</summary>
    [Fact]
    public async Task A_block_that_is_rented_while_its_connection_ends_is_charged_to_nobody()
    {
        var bytes = new BytesInFlight(1 << 30, TimeProvider.System);
        for (var round = 0; round < 500; round++)
        {
            using var memory = new CountedMemory(MemoryPool<byte>.Shared, Caller(1), bytes, TimeProvider.System, () => { });
            var ending = Task.Run(() =>
            {
                while (memory.Bytes == 0) Thread.SpinWait(1);
                memory.Close();
            });
            var blocks = new List<IMemoryOwner<byte>>();
            do blocks.Add(memory.Rent(4_096));
            while (!ending.IsCompleted);

            await ending;
            Assert.Equal(0, bytes.Used);
            blocks.ForEach(block => block.Dispose());
            Assert.Equal(0, bytes.Used);
        }
    }
}
