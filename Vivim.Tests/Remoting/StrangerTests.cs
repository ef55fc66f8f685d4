using System.Collections.Concurrent;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.Configuration;
using Akka.Dispatch.SysMsg;
using Akka.Routing;
using Vivim.Actors.Remoting;
using Vivim.Chain.Sync;
using Vivim.Tests.Actors;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Remoting;

/// <summary>
/// A remoting program of somebody who reaches a member's plain port: it stops nobody, deploys nothing, and has nothing made. What it does is counted.
/// </summary>
[Collection(ActorTests.Collection)]
public sealed class StrangerTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(3);

    private readonly Members members = new(mayRefuse: true);
    private readonly RefusalCount refused = new();
    private readonly ConcurrentQueue<object> heard = new();
    private Stranger stranger = null!;
    private ActorSystem node = null!;
    private Address address = null!;

    public async Task InitializeAsync()
    {
        Trap.Reset();
        stranger = new Stranger();
        node = await members.JoinAsync("node", "");
        address = Cluster.Get(node).SelfAddress;
        node.ActorOf(Props.Create(() => new Listener(heard)), "ledger");
        node.ActorOf(Props.Create(() => new Listener(heard)), SyncActor.Name);
    }

    public async Task DisposeAsync()
    {
        await stranger.EndAsync();
        await members.EndAsync();
    }

    [Fact]
    public async Task Nobody_finds_or_commands_an_actor_that_other_nodes_do_not_talk_to()
    {
        var ledger = stranger.Ref(address, "/user/ledger");
        Assert.Null(await Stranger.IdentifyAsync(stranger.System.ActorSelection($"{address}/user/ledger"), Silence));
        Assert.Null(await Stranger.IdentifyAsync(stranger.System.ActorSelection($"{address}/user/*"), Silence));
        Assert.Null(await Stranger.IdentifyAsync(ledger, Silence));
        foreach (var message in new object[] { "text", PoisonPill.Instance, Kill.Instance, new Trap() }) ledger.Tell(message);
        await AllHasComeAsync();
        Assert.True(refused[InboundRefusalReason.Recipient] >= 3);
        Assert.Equal(["hello"], heard);
        await IsAliveAsync("ledger");
    }

    [Fact]
    public async Task A_known_actor_gets_no_command_and_nothing_is_made_by_a_name_that_came_in()
    {
        object[] messages =
        [
            PoisonPill.Instance, Kill.Instance, IntentionalRestart.Instance, new Trap(), new Status.Failure(new TrapException()), new Status.Success(new Trap()), new byte[] { 1 },
            ConfigurationFactory.ParseString("a = 1"), new RoundRobinPool(3), new RemoteScope(address), new Send("/user/ledger", "hidden"), new Publish("topic", PoisonPill.Instance),
        ];
        Trap.Reset();
        var sync = stranger.Ref(address, $"/user/{SyncActor.Name}");
        foreach (var message in messages) sync.Tell(message);
        await AllHasComeAsync();
        Assert.Equal(0, Trap.Made);
        Assert.Equal(messages.Length, refused[InboundRefusalReason.Form]);
        Assert.Equal(["hello"], heard);
        await IsAliveAsync(SyncActor.Name);
    }

    [Fact]
    public async Task A_selection_of_a_listed_path_brings_no_command_either()
    {
        var sync = stranger.System.ActorSelection($"{address}/user/{SyncActor.Name}");
        foreach (var message in new object[] { PoisonPill.Instance, Kill.Instance, new Trap() }) sync.Tell(message);
        Trap.Reset();
        await AllHasComeAsync();
        Assert.Equal(3, refused[InboundRefusalReason.Form]);
        Assert.Equal(0, Trap.Made);
        await IsAliveAsync(SyncActor.Name);
    }

    [Theory]
    [InlineData(typeof(Suspend))]
    [InlineData(typeof(Terminate))]
    public async Task A_system_message_that_is_no_death_watch_is_refused(Type type)
    {
        stranger.Ref(address, $"/user/{SyncActor.Name}").SendSystemMessage((ISystemMessage)Activator.CreateInstance(type)!);
        await Eventually.Async(() => Task.FromResult(refused[InboundRefusalReason.Form] > 0));
        await IsAliveAsync(SyncActor.Name);
    }

    [Fact]
    public async Task No_actor_is_deployed()
    {
        stranger.System.ActorOf(Props.Create(() => new TrapActor()).WithDeploy(new Deploy(new RemoteScope(address))), "deployed");
        await Eventually.Async(() => Task.FromResult(refused[InboundRefusalReason.Form] > 0));
        Assert.Equal(0, Trap.Made);
    }

    [Fact]
    public async Task An_answer_is_not_sent_to_an_actor_that_others_may_not_talk_to()
    {
        var ledger = stranger.Ref(address, "/user/ledger");
        stranger.Ref(address, $"/user/{SyncActor.Name}").Tell(new Identify("who"), ledger);
        await AllHasComeAsync();
        Assert.Equal(1, refused[InboundRefusalReason.Sender]);
        Assert.Equal(["hello"], heard);
    }

    /// <summary>What the stranger has sent before has been judged when this has come: a connection keeps its order.</summary>
    private async Task AllHasComeAsync()
    {
        stranger.Ref(address, $"/user/{SyncActor.Name}").Tell("hello");
        await Eventually.Async(() => Task.FromResult(!heard.IsEmpty));
    }

    private async Task IsAliveAsync(string name) => Assert.NotNull(await Stranger.IdentifyAsync(node.ActorSelection($"/user/{name}"), Patience));

    private sealed class Listener : UntypedActor
    {
        private readonly ConcurrentQueue<object> heard;

        public Listener(ConcurrentQueue<object> heard) => this.heard = heard;

        protected override void OnReceive(object message) => heard.Enqueue(message);
    }

    /// <summary>Tells when one is made.</summary>
    private sealed class Trap
    {
        private static int made;

        public Trap() => Interlocked.Increment(ref made);

        public static int Made => Volatile.Read(ref made);

        public static void Reset() => Volatile.Write(ref made, 0);
    }

    private sealed class TrapException : Exception
    {
        public TrapException()
            : base("trap")
        {
        }

#pragma warning disable SYSLIB0051 // By this constructor Akka.NET makes an exception of what came in.
        private TrapException(SerializationInfo info, StreamingContext context)
            : base(info, context) => _ = new Trap();
#pragma warning restore SYSLIB0051
    }

    private sealed class TrapActor : UntypedActor
    {
        public TrapActor() => _ = new Trap();

        protected override void OnReceive(object message) => Unhandled(message);
    }
}
