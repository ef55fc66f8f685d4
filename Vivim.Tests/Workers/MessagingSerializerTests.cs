using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using FsCheck;
using FsCheck.Xunit;
using Google.Protobuf;
using Vivim.Actors.Messaging;
using Vivim.Tests.Actors;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Workers;

/// <summary>What goes over the bus, on the wire.</summary>
public sealed class MessagingSerializerTests : SerializerTests
{
    [Fact]
    public void Every_form_gives_back_what_was_written_under_its_own_manifest()
    {
        var sent = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123);
        var forms = new Dictionary<string, object[]>
        {
            ["worker-message/1"] =
            [
                .. Enum.GetValues<MessagePriority>().Select(priority => new WorkerMessage("id", "gc-1", "*", "swept", new byte[] { 1, 2 }, priority, TimeSpan.FromSeconds(3), null, sent)),
                new WorkerMessage("id", "gc-1", "feed-2", "swept", default, MessagePriority.High, TimeSpan.FromHours(1), "question", sent),
            ],
            ["locate/1"] = [new Locate("gc-1")],
            ["located/1"] = [new Located("gc-1")],
            ["request-refused/1"] = [.. Enum.GetValues<RequestFailure>().Select(failure => new RequestRefused("id", failure, "a sentence"))],
        };
        Assert.Equal(MessagingSerializer.Forms.Select(form => form.Manifest).Order(), forms.Keys.Order());
        foreach (var (manifest, messages) in forms)
        {
            foreach (var message in messages)
            {
                var serializer = Assert.IsType<MessagingSerializer>(System.Serialization.FindSerializerFor(message));
                Assert.Equal(manifest, serializer.Manifest(message));
                Assert.Equivalent(message, System.Serialization.Deserialize(serializer.ToBinary(message), serializer.Identifier, manifest), strict: true);
            }
        }
    }

    /// <summary>Whatever bytes come: a message within its limits, or a refusal that remoting knows.</summary>
    [Property(MaxTest = 2_000)]
    public void Bytes_of_any_kind_are_a_possible_message_or_refused(byte[] tail, byte priority, long ttl, long timestamp, NonNull<string> name)
    {
        var bytes = new Vivim.Actors.V1.WorkerMessage { Id = name.Get, From = "a", To = "b", Type = "c", Priority = (Vivim.Actors.V1.MessagePriority)priority, Ttl = ttl, Timestamp = timestamp }.ToByteArray();
        var read = Record.Exception(() => Assert.Null(Assert.IsType<WorkerMessage>(System.Serialization.Deserialize([.. bytes, .. tail], 7420, "worker-message/1")).Problem()));
        Assert.True(read is null or SerializationException or InvalidProtocolBufferException, $"{read}");
    }
}
