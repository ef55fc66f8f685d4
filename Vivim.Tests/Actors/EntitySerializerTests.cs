using Vivim.Actors;

namespace Vivim.Tests.Actors;

/// <summary>What entities are asked whatever they are, on the wire.</summary>
public sealed class EntitySerializerTests : SerializerTests
{
    [Fact]
    public void Every_form_of_entities_gives_back_what_was_written_under_its_own_manifest()
    {
        var forms = new Dictionary<string, object>
        {
            ["check-entity/1"] = new CheckEntity("3"),
            ["restart-entity/1"] = new RestartEntity("3", "did:key:z6Mk"),
            ["crash-entity/1"] = new CrashEntity("äß – 漢", ""),
            ["entity-status/1"] = new EntityStatus("a life", "12 transactions pending"),
        };
        // A failure comes back as another exception: see SerializersTests.
        Assert.Equal(EntitySerializer.Forms.Select(form => form.Manifest).Order(), forms.Keys.Append("failure/1").Order());
        foreach (var (manifest, message) in forms)
        {
            var serializer = Assert.IsType<EntitySerializer>(System.Serialization.FindSerializerFor(message));
            Assert.Equal(manifest, serializer.Manifest(message));
            Assert.Equal(message, System.Serialization.Deserialize(serializer.ToBinary(message), serializer.Identifier, manifest));
        }
    }
}
