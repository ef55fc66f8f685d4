using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;

namespace Vivim.Tests.Limits;

/// <summary>A client of HTTP/2 by hand, which can do what no library does: give its streams a window of 0, and so read nothing.</summary>
internal sealed class RawCaller : IDisposable
{
    private const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, Ping = 6;
    private const byte EndStream = 1, EndHeaders = 4, Ack = 1;
    private const ushort InitialWindowSize = 4;

    private readonly Socket socket;
    private readonly ConcurrentDictionary<int, bool> reset = [];
    private readonly ConcurrentDictionary<int, bool> ended = [];
    private readonly Lock sending = new();
    private readonly Task receiving;
    private int next = 1;

    private RawCaller(Socket socket)
    {
        this.socket = socket;
        receiving = Task.Run(ReceiveAsync);
    }

    /// <summary>Streams that the node has reset.</summary>
    public int Resets => reset.Count;

    /// <summary>Streams that the node has ended in order.</summary>
    public int Ended => ended.Count;

    /// <summary>Whether the node has ended the connection.</summary>
    public bool IsClosed => receiving.IsCompleted;

    /// <param name="window">Bytes that the node may send on each stream.</param>
    /// <param name="from">The address to call from.</param>
    public static async Task<RawCaller> ConnectAsync(Uri node, int window, IPAddress? from = null)
    {
        var caller = new RawCaller(await Callers.SocketAsync(node, from));
        caller.Send(Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        var setting = new byte[6];
        BinaryPrimitives.WriteUInt16BigEndian(setting, InitialWindowSize);
        BinaryPrimitives.WriteInt32BigEndian(setting.AsSpan(2), window);
        caller.Send(Frame(Settings, 0, 0, setting));
        return caller;
    }

    /// <summary>Makes a gRPC call, and reads nothing of it.</summary>
    /// <param name="missing">Bytes of the request that are announced and not sent.</param>
    /// <returns>The stream.</returns>
    public int Call(string method, IMessage request, int missing = 0)
    {
        var message = request.ToByteArray();
        var body = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), message.Length + missing);
        message.CopyTo(body, 5);
        return Begin(method, "application/grpc", body, missing == 0);
    }

    /// <summary>Begins a call by JSON, whose body does not end.</summary>
    public int Post(string path, string beginning) => Begin(path, "application/json", Encoding.ASCII.GetBytes(beginning), isWhole: false);

    /// <summary>Sends more of a request, which still does not end, unless the node has ended the connection.</summary>
    public void TryContinue(int stream, int bytes)
    {
        try
        {
            Send(Frame(Data, 0, stream, new byte[bytes]));
        }
        catch (SocketException)
        {
            // It ends connections that make it keep too much.
        }
    }

    public void Dispose() => socket.Dispose();

    private int Begin(string path, string contentType, byte[] body, bool isWhole)
    {
        var stream = next;
        next += 2;
        var headers = new MemoryStream();
        var fields = new[] { (":method", "POST"), (":scheme", "http"), (":authority", "node"), (":path", path), ("content-type", contentType), ("te", "trailers") };
        foreach (var (name, value) in fields)
        {
            headers.WriteByte(0);
            foreach (var text in new[] { name, value })
            {
                headers.WriteByte((byte)text.Length);
                headers.Write(Encoding.ASCII.GetBytes(text));
            }
        }

        Send([.. Frame(Headers, EndHeaders, stream, headers.ToArray()), .. Frame(Data, isWhole ? EndStream : (byte)0, stream, body)]);
        return stream;
    }

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8 | type);
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private void Send(byte[] bytes)
    {
        lock (sending) socket.Send(bytes);
    }

    private async Task ReceiveAsync()
    {
        await using var stream = new NetworkStream(socket, ownsSocket: false);
        var header = new byte[9];
        try
        {
            while (true)
            {
                await stream.ReadExactlyAsync(header);
                var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(header) >>> 8];
                await stream.ReadExactlyAsync(payload);
                var id = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5));
                if (header[3] == Reset) reset[id] = true;
                else if (header[3] is Data or Headers && (header[4] & EndStream) != 0) ended[id] = true;
                else if (header[3] is Settings or Ping && (header[4] & Ack) == 0) Send(Frame(header[3], Ack, 0, header[3] == Ping ? payload : []));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // The node has ended the connection.
        }
    }
}

/// <summary>Callers from other addresses of the own machine, each of which is a caller of its own to the node.</summary>
internal static class Callers
{
    /// <summary>The address of a caller who is not the node's own machine.</summary>
    public static IPAddress Stranger(int number) => new([127, 0, 1, (byte)number]);

    /// <summary>A connection from an address; null for the own machine's.</summary>
    public static async Task<Socket> SocketAsync(Uri node, IPAddress? from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (from is not null) socket.Bind(new IPEndPoint(from, 0));
            await socket.ConnectAsync(IPAddress.Loopback, node.Port);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes the connections of an HTTP client from an address.</summary>
    public static SocketsHttpHandler From(IPAddress? from) => new()
    {
        UseProxy = false,
        ConnectCallback = async (context, _) => new NetworkStream(await SocketAsync(context.InitialRequestMessage.RequestUri!, from), ownsSocket: true),
    };
}
