using System.Collections.Immutable;
using System.Reflection;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.PublishSubscribe;
using Akka.DistributedData;
using Akka.Serialization;
using Vivim.Actors.Remoting;
using Vivim.Actors.Serialization;
using Vivim.Tests.Actors;

namespace Vivim.Tests.Remoting;

/// <summary>What an actor system configured as a node's reads.</summary>
public sealed class SerializersTests : SerializerTests
{
    [Fact]
    public void Every_serializer_refuses_or_reads_listed_forms_only()
    {
        // Akka.NET's extensions bring serializers along when they are first used.
        _ = Cluster.Get(System);
        _ = DistributedPubSub.Get(System);
        _ = DistributedData.Get(System);
        // Replicated data uses serializers of its own, made anew from the same configuration.
        foreach (var serialization in new[] { System.Serialization, new Serialization((ExtendedActorSystem)System) })
        {
            var byId = (Dictionary<int, Serializer>)typeof(Serialization).GetField("_serializersById", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(serialization)!;
            Assert.True(byId.Count > 20);
            Assert.All(byId.Values, serializer => Assert.True(serializer is RefusingSerializer or AdmittingSerializer or ManifestSerializer or NullSerializer, $"{serializer.GetType()} reads whatever comes"));
        }
    }

    [Theory]
    [InlineData(1, "System.IO.FileInfo, System.Private.CoreLib")]
    [InlineData(1, "")]
    [InlineData(2, "Vivim.Actors.V1.CheckEntity, Vivim.Actors")]
    [InlineData(3, "")]
    [InlineData(4, "")]
    [InlineData(16, "PP")]
    [InlineData(16, "K")]
    [InlineData(16, "STF")]
    [InlineData(16, "CF")]
    [InlineData(22, "Akka.Dispatch.SysMsg.Terminate, Akka")]
    [InlineData(22, "Akka.Dispatch.SysMsg.Create, Akka")]
    [InlineData(22, "System.IO.FileInfo, System.Private.CoreLib")]
    [InlineData(5, "Akka.Cluster.Routing.ClusterRouterPool, Akka.Cluster")]
    [InlineData(6, "System.IO.FileInfo, System.Private.CoreLib")]
    [InlineData(7, "")]
    [InlineData(30, "")]
    [InlineData(36, "a")]
    public void A_form_that_is_not_listed_is_refused_and_counted(int serializer, string manifest)
    {
        var refused = new RefusalCount();
        Assert.Throws<RefusedFormException>(() => System.Serialization.Deserialize([], serializer, manifest));
        Assert.Equal(1, refused[InboundRefusalReason.Form]);
    }

    [Fact]
    public void A_selection_that_is_hidden_in_another_message_is_refused()
    {
        var selection = new ActorSelectionMessage("text", [new SelectParent(), new SelectChildName("ledger")]);
        Assert.IsType<ActorSelectionMessage>(Again(selection));
        Assert.Throws<RefusedFormException>(() => Again(new Publish("topic", selection)));
        Assert.Throws<RefusedFormException>(() => Again(new ActorSelectionMessage(selection, [new SelectChildName("user")])));
        Assert.Equal("text", Assert.IsType<Publish>(Again(new Publish("topic", "text"))).Message);
    }

    /// <summary>A message in a message in a message: each level takes of the stack, and a stack that is full ends the process.</summary>
    [Fact]
    public void Messages_that_stand_in_each_other_too_deep_are_refused()
    {
        object message = "text";
        for (var i = 0; i < 6; i++) message = new Publish("topic", message);
        Assert.IsType<Publish>(Again(message));
        for (var i = 0; i < 6; i++) message = new Publish("topic", message);
        Assert.Throws<RefusedFormException>(() => Again(message));
    }

    /// <summary>Akka.NET takes the type of what is replicated by the name that comes with it.</summary>
    [Fact]
    public void Of_replicated_data_only_a_shard_coordinators_state_is_read()
    {
        var member = UniqueAddress();
        Assert.Throws<RefusedFormException>(() => Again(new LWWRegister<string>(member, "text")));
        Assert.Throws<RefusedFormException>(() => Again(GSet.Create("text")));
        Assert.Throws<RefusedFormException>(() => Again(ORSet.Create(member, "text")));
        Assert.Throws<RefusedFormException>(() => Again(new LWWRegisterKey<FileInfo>("key")));
    }

    [Fact]
    public void A_failure_comes_along_as_its_sentence()
    {
        var read = Assert.IsType<Status.Failure>(Again(new Status.Failure(new FileNotFoundException("the file is gone"))));
        Assert.Equal("the file is gone", Assert.IsType<Vivim.Actors.RemoteFailureException>(read.Cause).Message);
        Assert.InRange(Assert.IsType<Status.Failure>(Again(new Status.Failure(new IOException(new string('x', 1 << 20))))).Cause.Message.Length, 1, 1_000);
    }

    private UniqueAddress UniqueAddress() => Cluster.Get(System).SelfUniqueAddress;

    /// <summary>Written and read, as over a connection.</summary>
    private object Again(object message)
    {
        var serializer = System.Serialization.FindSerializerFor(message);
        return System.Serialization.Deserialize(serializer.ToBinary(message), serializer.Identifier, Serialization.ManifestFor(serializer, message));
    }
}
