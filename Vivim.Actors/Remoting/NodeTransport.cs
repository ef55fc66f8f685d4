using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Transport;

namespace Vivim.Actors.Remoting;

/// <summary>
/// The remoting of a cluster's node over TCP: with <see cref="MutualTls"/> where the actor system has one, otherwise plain. Akka.NET's own transport ends
/// the process when the handshake of an outgoing connection fails: whoever listens in the place of a dead node would end all others. Akka.NET makes it by
/// the name of its class, with the settings hostname, public-hostname, port, maximum-frame-size, recipients.
/// </summary>
public sealed class NodeTransport : Transport, IDisposable
{
    private const string Scheme = "tcp";

    /// <summary>Connections that others have opened, at once.</summary>
    private const int MaxConnections = 256;

    private const int MaxHandshakesOfANetwork = 16, MaxHandshakes = 64;

    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    private readonly MutualTls? tls;
    private readonly RefusedMessages refused;
    private readonly ConcurrentDictionary<NodeConnection, bool> connections = new(ReferenceEqualityComparer.Instance);
    private readonly CancellationTokenSource stopping = new();
    private readonly Handshakes handshakes = new(MaxHandshakesOfANetwork, MaxHandshakes);
    private Socket? listener;
    private Address? self;
    private InboundRules? rules;
    private int accepted;

    public NodeTransport(ActorSystem system, Config config)
    {
        System = system;
        Config = config;
        SchemeIdentifier = Scheme;
        MaximumPayloadBytes = config.GetByteSize("maximum-frame-size", null) ?? throw new ConfigurationException("maximum-frame-size is missing");
        tls = system.Settings.Setup.Get<MutualTls>() is { HasValue: true, Value: var setup } ? setup : null;
        refused = RefusedMessages.Of(system);
    }

    public override async Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen()
    {
        var address = await Resolve(Config.GetString("hostname"));
        listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(address, Config.GetInt("port")));
        listener.Listen();
        self = new Address(Scheme, System.Name, Config.GetString("public-hostname"), ((IPEndPoint)listener.LocalEndPoint!).Port);
        var selections = System.Settings.Config.GetStringList("akka.remote.trusted-selection-paths", []);
        rules = new InboundRules(self.WithProtocol($"akka.{Scheme}"), [.. Config.GetStringList("recipients", [])], selections.ToHashSet(StringComparer.Ordinal), AdmittedForms.Of(System));
        var ready = new TaskCompletionSource<IAssociationEventListener>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = Accept(listener, ready.Task);
        return (self, ready);
    }

    public override bool IsResponsibleFor(Address remote) => true;

    public override async Task<AssociationHandle> Associate(Address remoteAddress)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        limit.CancelAfter(HandshakeLimit);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            var host = remoteAddress.Host.Trim('[', ']');
            await socket.ConnectAsync(host, remoteAddress.Port!.Value, limit.Token);
            var stream = new NetworkStream(socket);
            return Open(socket, tls is null ? stream : await tls.Connect(stream, host, limit.Token), remoteAddress);
        }
        catch (Exception e) when (IsRefusal(e))
        {
            socket.Dispose();
            throw new InvalidAssociationException($"{remoteAddress} cannot be reached: {e.Message}", e);
        }
    }

    public override async Task<bool> Shutdown()
    {
        await stopping.CancelAsync();
        listener?.Dispose();
        foreach (var connection in connections.Keys) connection.End();
        try
        {
            await Task.WhenAll(connections.Keys.Select(connection => connection.Ended)).WaitAsync(StopLimit);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        finally
        {
            Dispose();
        }
    }

    public void Dispose()
    {
        listener?.Dispose();
        stopping.Dispose();
    }

    private async Task Accept(Socket incoming, Task<IAssociationEventListener> ready)
    {
        try
        {
            var associations = await ready.WaitAsync(stopping.Token);
            while (true)
            {
                try
                {
                    Admit(await incoming.AcceptAsync(stopping.Token), associations);
                }
                catch (SocketException)
                {
                    // The process has no descriptor left, or who connected has gone again.
                    await Task.Delay(AcceptPause, stopping.Token);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The node stops.
        }
    }

    private void Admit(Socket socket, IAssociationEventListener associations)
    {
        if (socket.RemoteEndPoint is IPEndPoint from && Volatile.Read(ref accepted) < MaxConnections)
        {
            Interlocked.Increment(ref accepted);
            _ = Welcome(socket, from, associations);
            return;
        }

        refused.Add(new InboundRefusal(InboundRefusalReason.Connection, $"{socket.RemoteEndPoint}: too many connections"));
        socket.Dispose();
    }

    private async Task Welcome(Socket socket, IPEndPoint from, IAssociationEventListener associations)
    {
        try
        {
            if (await TryOpen(socket, from) is not { } connection) return;
            associations.Notify(new InboundAssociation(connection));
            await connection.Ended;
        }
        finally
        {
            Interlocked.Decrement(ref accepted);
        }
    }

    /// <returns>Null when the other side has not shown its certificate.</returns>
    private async Task<NodeConnection?> TryOpen(Socket socket, IPEndPoint from)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        limit.CancelAfter(HandshakeLimit);
        using var handshake = handshakes.Begin(from.Address, limit);
        try
        {
            socket.NoDelay = true;
            var stream = new NetworkStream(socket);
            return Open(socket, tls is null ? stream : await tls.Accept(stream, limit.Token), new Address(Scheme, System.Name, $"{from.Address}", from.Port));
        }
        catch (Exception e)
        {
            // Whatever a stranger's bytes lead to, it costs this connection only.
            socket.Dispose();
            refused.Add(new InboundRefusal(InboundRefusalReason.Connection, $"{from}: {e.Message}"));
            return null;
        }
    }

    private NodeConnection Open(Socket socket, Stream stream, Address remote)
    {
        var connection = new NodeConnection(self!, remote, socket, stream, MaximumPayloadBytes, rules!, refused);
        connections[connection] = true;
        connection.Ended.ContinueWith(_ => connections.TryRemove(connection, out var _), TaskScheduler.Default);
        if (stopping.IsCancellationRequested) connection.End();
        return connection;
    }

    private static async Task<IPAddress> Resolve(string host) =>
        IPAddress.TryParse(host, out var address) ? address : (await Dns.GetHostAddressesAsync(host)).FirstOrDefault() ?? throw new ConfigurationException($"{host} has no address");

    private static bool IsRefusal(Exception e) => e is AuthenticationException or IOException or SocketException or OperationCanceledException or ObjectDisposedException;
}
