using Akka.Actor;
using Akka.Configuration;
using Vivim.Actors.Supervision;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Actors;

/// <summary>What nodes ask each other of supervision, on the wire.</summary>
public sealed class SupervisionSerializerTests : SerializerTests
{
    [Fact]
    public void Every_form_gives_back_what_was_written_under_its_own_manifest()
    {
        var filter = new SupervisionFilter([SupervisionKind.Down, SupervisionKind.Started], "/user");
        var cause = new FailureCause("IOException", "no space");
        var events = Enum.GetValues<SupervisionKind>().Select((kind, i) => new SupervisionEvent((ulong)i + 7, kind, 1_000 + i, $"/system/sharding/pool/{i}/e", "pool", "e", i % 2 == 0 ? cause : FailureCause.None, "words"));
        var forms = new Dictionary<string, object>
        {
            ["read-supervision/1"] = new ReadSupervision(-5, ulong.MaxValue, filter),
            ["read-supervision-tail/1"] = new ReadSupervisionTail(9, SupervisionFilter.All),
            ["supervision-read/1"] = new SupervisionRead("node-1", "akka.tcp://vivim@node-1:4053", int.MinValue, 19, 3, [.. events]),
        };
        Assert.Equal(SupervisionSerializer.Forms.Select(form => form.Manifest).Order(), forms.Keys.Order());
        foreach (var (manifest, message) in forms)
        {
            var serializer = Assert.IsType<SupervisionSerializer>(System.Serialization.FindSerializerFor(message));
            Assert.Equal(manifest, serializer.Manifest(message));
            Assert.Equivalent(message, System.Serialization.Deserialize(serializer.ToBinary(message), serializer.Identifier, manifest), strict: true);
        }
    }

    /// <summary>The largest answer there is must fit into a frame of remoting.</summary>
    [Fact]
    public void The_largest_answer_fits_into_a_frame()
    {
        var longest = SupervisionEvent.Of(SupervisionKind.Stopped, long.MaxValue, "/system/sharding/" + new string('界', 600), FailureCause.Of(new InvalidOperationException(new string('界', 2_000))), new string('界', 2_000));
        var answer = new SupervisionRead("node", "address", 1, 1, 1, [.. Enumerable.Repeat(longest with { Sequence = ulong.MaxValue }, ReadSupervisionTail.MaxCount)]);
        Assert.InRange(System.Serialization.FindSerializerFor(answer).ToBinary(answer).Length, 1_000_000, 24 << 20);
    }
}
