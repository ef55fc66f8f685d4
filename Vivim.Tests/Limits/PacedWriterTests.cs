using System.Buffers;
using System.IO.Pipelines;
using FsCheck.Xunit;
using Microsoft.AspNetCore.Http.Features;
using Vivim.Gateway.Limits;

namespace Vivim.Tests.Limits;

/// <summary>How an answer is handed to the server.</summary>
public sealed class PacedWriterTests : IDisposable
{
    private const long Total = 8 << 20;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly SetTime clock = new(DateTimeOffset.UnixEpoch.AddDays(1));
    private readonly BytesInFlight bytes;
    private readonly LimitTally tally = new();
    private readonly Lifetime lifetime = new();
    private readonly CallUnderWay call;
    private readonly Pipe server = new(new PipeOptions(pauseWriterThreshold: 4_096, resumeWriterThreshold: 2_048));
    private readonly PacedWriter writer;

    public PacedWriterTests()
    {
        bytes = new BytesInFlight(Total, clock);
        var features = new FeatureCollection();
        features.Set<IHttpRequestLifetimeFeature>(lifetime);
        call = new CallUnderWay(CallerAddress.OwnMachine, features, bytes, tally, clock);
        writer = new PacedWriter(server.Writer, call);
    }

    public void Dispose() => tally.Dispose();

    /// <summary>In pieces of any size, by either way of writing, flushed at any time.</summary>
    [Property(MaxTest = 100)]
    public bool What_is_written_arrives_in_order_and_holds_nothing_afterwards(byte[] steps)
    {
        using var own = new PacedWriterTests();
        return own.Arrives(steps).GetAwaiter().GetResult();
    }

    [Fact]
    public async Task A_call_whose_caller_does_not_read_is_ended_and_one_that_reads_now_and_then_is_not()
    {
        var writing = writer.WriteAsync(new byte[1 << 20]).AsTask();
        for (var i = 0; i < 10; i++)
        {
            clock.Now += Limit - TimeSpan.FromSeconds(1);
            Assert.False(call.EndIfStalled(Limit));
            var taken = await server.Reader.ReadAtLeastAsync(PacedWriter.ChunkBytes);
            server.Reader.AdvanceTo(taken.Buffer.GetPosition(PacedWriter.ChunkBytes));
            // It has gone on when the next chunk is there.
            server.Reader.AdvanceTo((await server.Reader.ReadAtLeastAsync(PacedWriter.ChunkBytes)).Buffer.Start);
        }

        Assert.False(writing.IsCompleted);
        clock.Now += Limit;
        Assert.True(call.EndIfStalled(Limit));
        Assert.Equal(1, lifetime.Aborts);
        Assert.False(call.EndIfStalled(Limit));
    }

    [Fact]
    public async Task What_a_service_makes_at_once_is_charged_until_it_is_written_or_the_call_is_over()
    {
        writer.GetMemory(1 << 20);
        writer.Advance(1 << 20);
        Assert.InRange(bytes.Used, 1 << 20, Total);
        var flushing = writer.FlushAsync().AsTask();
        Assert.False(flushing.IsCompleted);

        await server.Reader.CompleteAsync();
        await flushing;
        Assert.Equal(0, bytes.Used);

        call.Charge(77);
        call.Over();
        call.Charge(77);
        call.Give(77);
        Assert.Equal(0, bytes.Used);
    }

    [Fact]
    public async Task What_is_dropped_while_it_is_written_is_written_all_the_same_and_nothing_is_lost_unseen()
    {
        writer.GetMemory(1 << 18).Span.Fill(7);
        writer.Advance(1 << 18);
        Assert.Throws<NotSupportedException>(() => writer.Complete());
        writer.GetMemory(1 << 18).Span.Fill(7);
        writer.Advance(1 << 18);
        var flushing = writer.FlushAsync().AsTask();
        writer.Drop();
        var reading = ReadAll();
        await flushing;
        await writer.CompleteAsync();
        Assert.Equal(1 << 19, (await reading).Count(one => one == 7));
        Assert.Equal(0, bytes.Used);
    }

    [Fact]
    public async Task A_wait_for_bytes_ends_when_others_give_back_or_after_a_while_and_leaves_nothing()
    {
        var held = new List<IDisposable>();
        for (var i = 0; i < 4; i++) held.Add((await call.Take(Total / 8, CancellationToken.None))!);
        var first = call.Take(Total / 8, CancellationToken.None).AsTask();
        using var gone = new CancellationTokenSource();
        var second = call.Take(Total / 8, gone.Token).AsTask();
        var third = call.Take(Total / 8, CancellationToken.None).AsTask();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.False(first.IsCompleted);

        held[0].Dispose();
        held[0].Dispose();
        Assert.NotNull(await first);
        clock.Now += BytesInFlight.Patience;
        bytes.Sweep();
        Assert.Null(await third);
        Assert.Equal("1 calls ANSWERS_LIMITED", tally.Report());

        call.Over();
        Assert.Equal(0, bytes.Used);
    }

    private async Task<bool> Arrives(byte[] steps)
    {
        var sent = new List<byte>();
        var reading = ReadAll();
        foreach (var step in steps)
        {
            var piece = Enumerable.Range(0, step * (step % 5 == 0 ? 1_000 : 7)).Select(i => (byte)(i + sent.Count)).ToArray();
            if (step % 3 == 0)
            {
                await writer.WriteAsync(piece);
            }
            else
            {
                writer.Write(piece);
                if (step % 3 == 1) await writer.FlushAsync();
            }

            sent.AddRange(piece);
        }

        await writer.CompleteAsync();
        var received = await reading;
        call.Over();
        return received.AsSpan().SequenceEqual(sent.ToArray()) && bytes.Used == 0;
    }

    private async Task<byte[]> ReadAll()
    {
        using var received = new MemoryStream();
        await server.Reader.CopyToAsync(received);
        return received.ToArray();
    }

    private sealed class Lifetime : IHttpRequestLifetimeFeature
    {
        public int Aborts { get; private set; }

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => Aborts++;
    }
}
