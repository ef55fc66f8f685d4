using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Remote.Transport;
using Google.Protobuf;

namespace Vivim.Actors.Remoting;

/// <summary>
/// A connection between two nodes. Each message is preceded by its length, four bytes, the lowest first, as in Akka.NET's own transport. What comes in is
/// judged before Akka.NET sees it.
/// </summary>
internal sealed class NodeConnection : AssociationHandle
{
    private const int LengthSize = sizeof(uint);

    /// <summary>Bytes that wait to be sent; then the actor system keeps them and tries again.</summary>
    private const int MaxQueuedBytes = 32 << 20;

    /// <summary>Bytes after which what is sent is handed to the socket.</summary>
    private const int FlushBytes = 64 << 10;

    /// <summary>How long what waits has to be sent once the connection is to end.</summary>
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(2);

    private readonly Socket socket;
    private readonly Stream stream;
    private readonly long maxFrame;
    private readonly InboundRules rules;
    private readonly RefusedMessages refused;
    private readonly Channel<ByteString> outgoing = Channel.CreateUnbounded<ByteString>(new UnboundedChannelOptions { SingleReader = true });
    private long queuedBytes;

    /// <param name="stream">The socket's, or a secured one over it.</param>
    /// <param name="maxFrame">The longest message in bytes.</param>
    public NodeConnection(Address local, Address remote, Socket socket, Stream stream, long maxFrame, InboundRules rules, RefusedMessages refused)
        : base(local, remote)
    {
        ReadHandlerSource = new TaskCompletionSource<IHandleEventListener>(TaskCreationOptions.RunContinuationsAsynchronously);
        this.socket = socket;
        this.stream = stream;
        this.maxFrame = maxFrame;
        this.rules = rules;
        this.refused = refused;
        Ended = Run();
    }

    /// <summary>Ends when the connection has.</summary>
    public Task Ended { get; }

    public override bool Write(ByteString payload)
    {
        // The first is taken however long it is.
        if (Interlocked.Add(ref queuedBytes, payload.Length) - payload.Length < MaxQueuedBytes && outgoing.Writer.TryWrite(payload)) return true;
        Interlocked.Add(ref queuedBytes, -payload.Length);
        return false;
    }

    [Obsolete("As in the base class, which offers a method that states the reason.")]
    public override void Disassociate() => End();

    /// <summary>Takes no more messages, sends what waits, and ends.</summary>
    public void End()
    {
        if (outgoing.Writer.TryComplete()) Task.Delay(FlushLimit).ContinueWith(_ => socket.Dispose(), TaskScheduler.Default);
    }

    private async Task Run()
    {
        var reading = Read();
        try
        {
            await Task.WhenAny(Send(), reading);
            // Whatever ends first ends both. A socket that is closed while something comes in would discard what was sent last.
            if (!reading.IsCompleted) socket.Shutdown(SocketShutdown.Send);
            await Task.WhenAny(reading, Task.Delay(FlushLimit));
        }
        catch (Exception e) when (IsEnd(e))
        {
            // The other side has closed it.
        }
        finally
        {
            outgoing.Writer.TryComplete();
            await stream.DisposeAsync();
            socket.Dispose();
        }
    }

    private async Task Send()
    {
        try
        {
            var writer = PipeWriter.Create(stream, new StreamPipeWriterOptions(minimumBufferSize: FlushBytes, leaveOpen: true));
            while (await outgoing.Reader.WaitToReadAsync())
            {
                while (outgoing.Reader.TryRead(out var payload))
                {
                    BinaryPrimitives.WriteUInt32LittleEndian(writer.GetSpan(LengthSize), (uint)payload.Length);
                    writer.Advance(LengthSize);
                    writer.Write(payload.Span);
                    if (writer.UnflushedBytes >= FlushBytes) await writer.FlushAsync();
                    Interlocked.Add(ref queuedBytes, -payload.Length);
                }

                await writer.FlushAsync();
            }
        }
        catch (Exception e) when (IsEnd(e))
        {
            // The other side has gone, or takes nothing.
        }
    }

    private async Task Read()
    {
        var listener = await ReadHandlerSource.Task;
        try
        {
            var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: FlushBytes, leaveOpen: true));
            while (await reader.ReadAsync() is { IsCompleted: false } read)
            {
                var rest = read.Buffer;
                while (TryTake(ref rest, out var payload)) Deliver(payload, listener);
                reader.AdvanceTo(rest.Start, rest.End);
            }
        }
        catch (Exception e) when (IsEnd(e))
        {
            // The other side has gone, or the node ends the connection.
        }
        finally
        {
            outgoing.Writer.TryComplete();
            listener.Notify(new Disassociated(DisassociateInfo.Unknown));
        }
    }

    private void Deliver(ByteString payload, IHandleEventListener listener)
    {
        if (rules.Judge(payload) is { } refusal) refused.Add(refusal with { What = $"{refusal.What}; from {RemoteAddress}" });
        else listener.Notify(new InboundPayload(payload));
    }

    /// <exception cref="InvalidDataException">The message is too long.</exception>
    private bool TryTake(ref ReadOnlySequence<byte> buffer, out ByteString payload)
    {
        payload = ByteString.Empty;
        Span<byte> prefix = stackalloc byte[LengthSize];
        if (buffer.Length < LengthSize) return false;
        buffer.Slice(0, LengthSize).CopyTo(prefix);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(prefix);
        if (length > maxFrame)
        {
            refused.Add(new InboundRefusal(InboundRefusalReason.Frame, $"a message of {length} bytes from {RemoteAddress}"));
            throw new InvalidDataException($"a message of {length} bytes");
        }

        if (buffer.Length < LengthSize + length) return false;
        payload = UnsafeByteOperations.UnsafeWrap(buffer.Slice(LengthSize, length).ToArray());
        buffer = buffer.Slice(LengthSize + length);
        return true;
    }

    private static bool IsEnd(Exception e) => e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or InvalidDataException;
}
