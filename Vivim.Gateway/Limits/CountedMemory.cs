using System.Buffers;

namespace Vivim.Gateway.Limits;

/// <summary>
/// The memory in which the server keeps what a connection has sent and nobody has read yet, and what it is to be sent and does not take.
/// Charges it to the connection's address, and knows how long its oldest block has been kept: whatever a service has done, here it shows
/// what a caller leaves with the node. Thread-safe.
/// </summary>
/// <param name="keepsTooMuch">
/// Called when the address makes the server keep more than its share. The caller holds a lock of the server: no connection may be ended in it.
/// </param>
internal sealed class CountedMemory(
    MemoryPool<byte> inner, CallerAddress address, BytesInFlight bytes, TimeProvider clock, Action keepsTooMuch)
    : MemoryPool<byte>
{
    /// <summary>
    /// Beside a block the server keeps a stream and what belongs to it: measured at 19 kB for an answer of one block that nobody reads.
    /// </summary>
    private const int BesideBlock = 16 * 1024;

    private readonly Lock gate = new();
    private readonly HashSet<Block> kept = [];
    private bool isClosed;

    public override int MaxBufferSize => inner.MaxBufferSize;

    /// <summary>Bytes that the connection is charged with now.</summary>
    public long Bytes { get; private set; }

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        var block = new Block(this, inner.Rent(minBufferSize), clock.GetTimestamp());
        // Charged first: whoever closes meanwhile gives back only what is charged.
        var isWithinShare = bytes.Keep(address, block.Charge);
        if (!TryAdd(block)) bytes.Release(address, block.Charge);
        else if (!isWithinShare) keepsTooMuch();
        return block;
    }

    /// <summary>Whether a block has been kept for this long.</summary>
    public bool HasKept(TimeSpan limit)
    {
        lock (gate) return kept.Any(block => clock.GetElapsedTime(block.Rented) >= limit);
    }

    /// <summary>The connection has ended: nothing is charged any more.</summary>
    public void Close()
    {
        long left;
        lock (gate)
        {
            isClosed = true;
            left = Bytes;
            kept.Clear();
            Bytes = 0;
        }

        if (left > 0) bytes.Release(address, left);
    }

    /// <summary>The memory itself is the server's.</summary>
    protected override void Dispose(bool disposing)
    {
    }

    private bool TryAdd(Block block)
    {
        lock (gate)
        {
            if (isClosed) return false;
            kept.Add(block);
            Bytes += block.Charge;
            return true;
        }
    }

    private void Return(Block block)
    {
        lock (gate)
        {
            if (!kept.Remove(block)) return;
            Bytes -= block.Charge;
        }

        bytes.Release(address, block.Charge);
    }

    private sealed class Block(CountedMemory owner, IMemoryOwner<byte> memory, long rented) : IMemoryOwner<byte>
    {
        public long Rented => rented;

        public int Charge { get; } = memory.Memory.Length + BesideBlock;

        public Memory<byte> Memory => memory.Memory;

        public void Dispose()
        {
            memory.Dispose();
            owner.Return(this);
        }
    }
}
