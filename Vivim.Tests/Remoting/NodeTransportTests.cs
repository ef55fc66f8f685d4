using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Cluster;
using Vivim.Actors.Remoting;
using Vivim.Chain.Sync;
using Vivim.Tests.Actors;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Remoting;

/// <summary>The connections of a cluster's nodes: who gets one, and who ends whom.</summary>
[Collection(ActorTests.Collection)]
public sealed class NodeTransportTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Members members = new(mayRefuse: true);
    private readonly RefusalCount refused = new();
    private Pki pki = null!;
    private Pki foreign = null!;

    public Task InitializeAsync()
    {
        (pki, foreign) = (new Pki(), new Pki());
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await members.EndAsync();
        pki.Dispose();
        foreign.Dispose();
    }

    [Fact]
    public async Task Members_with_certificates_of_one_authority_talk_in_order_whatever_the_size()
    {
        var one = await members.JoinAsync("one", "", tls: pki.Tls("one"));
        var two = await members.JoinAsync("two", "", tls: pki.Tls("two"));
        var heard = new BlockingCollection<string>();
        two.ActorOf(Props.Create(() => new Listener(heard)), SyncActor.Name);
        var sync = ((ExtendedActorSystem)one).Provider.ResolveActorRef($"{Cluster.Get(two).SelfAddress}/user/{SyncActor.Name}");
        for (var i = 0; i < 2_000; i++) sync.Tell(i % 500 == 0 ? $"{i}{new string('x', 4 << 20)}" : $"{i}x");
        for (var i = 0; i < 2_000; i++)
        {
            Assert.True(heard.TryTake(out var text, Patience));
            Assert.Equal($"{i}", text.Split('x')[0]);
        }

        Assert.Empty(refused.Since());
    }

    [Fact]
    public async Task Whoever_shows_no_valid_certificate_of_the_authority_gets_no_connection()
    {
        var node = await members.JoinAsync("node", "", tls: pki.Tls("node"));
        using var expired = pki.Certificate("expired", TimeSpan.FromDays(-1));
        using var others = foreign.Certificate("node", TimeSpan.FromDays(1));
        using var valid = pki.Certificate("valid", TimeSpan.FromDays(1));
        foreach (var certificate in new[] { null, expired, others }) Assert.False(await IsAnsweredAsync(node, certificate));
        // The same in plain text: what a program without TLS sends.
        using (var plain = await ConnectAsync(node)) Assert.False(await IsAnsweredAsync(plain));
        await Eventually.Async(() => Task.FromResult(refused[InboundRefusalReason.Connection] == 4));
        Assert.True(await IsAnsweredAsync(node, valid));

        var stranger = new Stranger();
        Assert.Null(await Stranger.IdentifyAsync(stranger.System.ActorSelection($"{Cluster.Get(node).SelfAddress}/user"), TimeSpan.FromSeconds(5)));
        await stranger.EndAsync();
        await IsUpAsync(node);
    }

    /// <summary>A stranger may listen where a member was that is down. Akka.NET's own transport ends the process when such a handshake fails.</summary>
    [Fact]
    public async Task Whoever_listens_in_the_place_of_another_node_ends_nobody_and_hears_nothing()
    {
        var node = await members.JoinAsync("node", "", tls: pki.Tls("node"));
        using var others = foreign.Certificate("other", TimeSpan.FromDays(1));
        using var elsewhere = pki.Certificate("elsewhere", TimeSpan.FromDays(1), "node7");
        var answers = new Func<NetworkStream, Task>[]
        {
            _ => Task.CompletedTask,
            stream => stream.WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray()).AsTask(),
            stream => Secured(stream, others),
            stream => Secured(stream, elsewhere),
        };
        foreach (var answer in answers)
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var place = $"akka.tcp://vivim@127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/user/{SyncActor.Name}";
            ((ExtendedActorSystem)node).Provider.ResolveActorRef(place).Tell("secret");
            using var connection = await listener.AcceptTcpClientAsync().WaitAsync(Patience);
            await answer(connection.GetStream());
        }

        await IsUpAsync(node);

        static async Task Secured(NetworkStream stream, X509Certificate2 certificate)
        {
            var secured = new SslStream(stream);
            // With TLS 1.3 who listens is done before the other side has looked at the certificate; what it sends then is the end.
            await Record.ExceptionAsync(() => secured.AuthenticateAsServerAsync(certificate));
            var read = 0;
            await Record.ExceptionAsync(async () => read = await secured.ReadAsync(new byte[1]));
            Assert.Equal(0, read);
        }
    }

    [Fact]
    public async Task A_message_that_is_too_long_ends_its_connection_before_it_is_read()
    {
        var node = await members.JoinAsync("node", "");
        using var connection = await ConnectAsync(node);
        var prefix = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(prefix, int.MaxValue);
        await connection.GetStream().WriteAsync(prefix);
        Assert.Equal(0, await connection.GetStream().ReadAsync(prefix).AsTask().WaitAsync(Patience));
        Assert.Equal(1, refused[InboundRefusalReason.Frame]);
        await IsUpAsync(node);
    }

    [Fact]
    public async Task Connections_that_never_show_a_certificate_are_bounded_and_keep_no_member_out()
    {
        var node = await members.JoinAsync("node", "", tls: pki.Tls("node"));
        var idle = new List<TcpClient>();
        for (var i = 0; i < 40; i++) idle.Add(await ConnectAsync(node));
        await Eventually.Async(() => Task.FromResult(refused[InboundRefusalReason.Connection] >= 24));
        // All come from the member's own host. It is let in while they wait: the oldest of them gives way.
        using var valid = pki.Certificate("valid", TimeSpan.FromDays(1));
        Assert.True(await IsAnsweredAsync(node, valid));
        idle.ForEach(connection => connection.Dispose());
    }

    [Fact]
    public void A_new_handshake_ends_the_oldest_of_the_network_that_has_the_most()
    {
        var handshakes = new Handshakes(2, 4);
        var (crowd, member) = (IPAddress.Parse("10.0.0.1"), IPAddress.Parse("10.0.0.2"));
        var limits = new List<CancellationTokenSource>();
        Begin(crowd);
        Begin(member);
        Begin(crowd);
        Begin(crowd);
        Assert.Equal([0], Ended());
        // The two addresses are of one network, as IPv6 counts.
        Begin(IPAddress.Parse("2001:db8::1"));
        Begin(IPAddress.Parse("2001:db8::2"));
        Assert.Equal([0, 2], Ended());
        Begin(IPAddress.Parse("2001:db8::3")).Dispose();
        Assert.Equal([0, 2, 4], Ended());
        Begin(IPAddress.Parse("2001:db8:0:1::1"));
        Assert.Equal([0, 2, 4], Ended());
        // All four places are taken, one by each: the oldest of them gives way.
        Begin(IPAddress.Parse("10.0.0.3"));
        Assert.Equal([0, 1, 2, 4], Ended());

        Handshakes.Handshake Begin(IPAddress address)
        {
            limits.Add(new CancellationTokenSource());
            return handshakes.Begin(address, limits[^1]);
        }

        // One that is over when its place goes to another is left alone, with its limit.
        using (var over = new CancellationTokenSource())
        {
            var handshake = handshakes.Begin(member, over);
            handshake.Dispose();
            over.Dispose();
            handshake.End();
        }

        int[] Ended() => [.. limits.Index().Where(limit => limit.Item.IsCancellationRequested).Select(limit => limit.Index)];
    }

    private static async Task IsUpAsync(ActorSystem system)
    {
        Assert.Null(CoordinatedShutdown.Get(system).ShutdownReason);
        Assert.Equal(MemberStatus.Up, Cluster.Get(system).SelfMember.Status);
        Assert.NotNull(await Stranger.IdentifyAsync(system.ActorSelection("/user"), Patience));
    }

    private static async Task<TcpClient> ConnectAsync(ActorSystem node)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Cluster.Get(node).SelfAddress.Port!.Value);
        return client;
    }

    /// <summary>Whether a handshake of Akka's is answered after one of TLS with this certificate.</summary>
    private static async Task<bool> IsAnsweredAsync(ActorSystem node, X509Certificate2? certificate)
    {
        using var client = await ConnectAsync(node);
        // Somebody who does not care whom they reach.
        await using var secured = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, static (_, shown, _, _) => shown is not null);
        try
        {
            await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", ClientCertificates = certificate is null ? null : [certificate] });
            return await IsAnsweredAsync(secured);
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            return false;
        }
    }

    private static Task<bool> IsAnsweredAsync(TcpClient client) => IsAnsweredAsync(client.GetStream());

    private static async Task<bool> IsAnsweredAsync(Stream stream)
    {
        // AkkaControlMessage: associate, from akka.tcp://vivim@127.0.0.1:1.
        byte[] origin = [0x0A, 5, .. "vivim"u8, 0x12, 9, .. "127.0.0.1"u8, 0x18, 1, 0x22, 8, .. "akka.tcp"u8];
        byte[] handshake = [0x0A, (byte)origin.Length, .. origin, 0x11, 7, 0, 0, 0, 0, 0, 0, 0];
        byte[] control = [0x08, 1, 0x12, (byte)handshake.Length, .. handshake];
        byte[] frame = [0x12, (byte)control.Length, .. control];
        try
        {
            await stream.WriteAsync((byte[])[(byte)frame.Length, 0, 0, 0, .. frame]);
            return await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience) > 0;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(BlockingCollection<string> heard) => Receive<string>(heard.Add);
    }
}
