using System.Buffers;
using System.IO.Pipelines;

namespace Vivim.Gateway.Limits;

/// <summary>
/// Gives an answer to the server in chunks, each only when the one before has moved on. So no answer lies in the server's buffers as a
/// whole, what lies here is charged to its caller, and a caller that does not read shows as a chunk that does not move.
/// </summary>
internal sealed class PacedWriter(PipeWriter server, CallUnderWay call) : PipeWriter
{
    /// <summary>Bytes that the server is given at once.</summary>
    public const int ChunkBytes = 16 * 1024;

    private readonly Queue<Segment> waiting = new();
    private Segment? tail;
    private long given;
    private bool isFlushing;
    private volatile bool isDraining;

    /// <summary>Whether a write is under way.</summary>
    public bool IsFlushing => isFlushing;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => given + waiting.Sum(static segment => (long)segment.Length);

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        // What is small goes to the server's own memory at once.
        if (waiting.Count == 0 && given + sizeHint < ChunkBytes) return server.GetMemory(sizeHint);
        if (tail is null || tail.Free.Length < Math.Max(1, sizeHint))
        {
            tail = new Segment(Math.Max(ChunkBytes, sizeHint));
            waiting.Enqueue(tail);
            call.Charge(tail.Capacity);
        }

        return tail.Free;
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (tail is not null)
        {
            tail.Length += bytes;
            return;
        }

        server.Advance(bytes);
        given += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (waiting.Count > 0) return Drain(cancellationToken);
        given = 0;
        return Watched(server.FlushAsync(cancellationToken));
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (waiting.Count > 0 || given + source.Length > ChunkBytes) return WriteInChunks(source, cancellationToken);
        given = 0;
        return Watched(server.WriteAsync(source, cancellationToken));
    }

    public override void CancelPendingFlush() => server.CancelPendingFlush();

    /// <exception cref="NotSupportedException">Something is not written yet: that takes <see cref="CompleteAsync"/>.</exception>
    public override void Complete(Exception? exception = null)
    {
        if (exception is null && waiting.Count > 0)
            throw new NotSupportedException("an answer that is not written yet is completed by CompleteAsync");
        server.Complete(exception);
    }

    public override async ValueTask CompleteAsync(Exception? exception = null)
    {
        if (exception is null && !isFlushing) await FlushAsync();
        await server.CompleteAsync(exception);
    }

    /// <summary>Forgets what is not written: nobody will read it. A write that is still under way forgets it itself at its end.</summary>
    public void Drop()
    {
        if (!isDraining) Clear();
    }

    private void Clear()
    {
        while (waiting.TryDequeue(out var segment)) Return(segment);
        tail = null;
    }

    private async ValueTask<FlushResult> Drain(CancellationToken cancellation)
    {
        given = 0;
        isDraining = true;
        try
        {
            var result = await Watched(server.FlushAsync(cancellation));
            while (!result.IsCompleted && !result.IsCanceled && waiting.TryDequeue(out var segment))
            {
                if (waiting.Count == 0) tail = null;
                try
                {
                    result = await Chunks(segment.Written, result, cancellation);
                }
                finally
                {
                    Return(segment);
                }
            }

            return result;
        }
        finally
        {
            Clear();
            isDraining = false;
        }
    }

    private async ValueTask<FlushResult> WriteInChunks(ReadOnlyMemory<byte> source, CancellationToken cancellation) =>
        await Chunks(source, await FlushAsync(cancellation), cancellation);

    private async ValueTask<FlushResult> Chunks(ReadOnlyMemory<byte> source, FlushResult result, CancellationToken cancellation)
    {
        while (!source.IsEmpty && !result.IsCompleted && !result.IsCanceled)
        {
            var chunk = source[..Math.Min(ChunkBytes, source.Length)];
            result = await Watched(server.WriteAsync(chunk, cancellation));
            source = source[chunk.Length..];
        }

        return result;
    }

    private ValueTask<FlushResult> Watched(ValueTask<FlushResult> flush) => flush.IsCompleted ? flush : Wait(flush);

    private async ValueTask<FlushResult> Wait(ValueTask<FlushResult> flush)
    {
        isFlushing = true;
        call.Waits();
        try
        {
            return await flush;
        }
        finally
        {
            call.Moves();
            isFlushing = false;
        }
    }

    private void Return(Segment segment)
    {
        call.Give(segment.Capacity);
        segment.Return();
    }

    /// <summary>Memory of an answer that the server has not been given yet.</summary>
    private sealed class Segment(int size)
    {
        private readonly byte[] memory = ArrayPool<byte>.Shared.Rent(size);

        public int Capacity => memory.Length;

        public int Length { get; set; }

        public Memory<byte> Free => memory.AsMemory(Length);

        public ReadOnlyMemory<byte> Written => memory.AsMemory(0, Length);

        public void Return() => ArrayPool<byte>.Shared.Return(memory);
    }
}
