using System.Collections.Frozen;
using Akka.Actor;
using Akka.Serialization;
using Vivim.Actors.Remoting;

namespace Vivim.Actors.Serialization;

/// <summary>One message type's form on the wire and in the journal: a short manifest that never changes, and protobuf bytes.</summary>
public sealed record MessageForm(Type Type, string Manifest, Func<object, byte[]> Write, Func<byte[], object> Read)
{
    public static MessageForm Of<T>(string manifest, Func<T, byte[]> write, Func<byte[], T> read)
        where T : notnull =>
        new(typeof(T), manifest, message => write((T)message), bytes => read(bytes));
}

/// <summary>
/// Serializes exactly the message types it is given, by explicit manifest. The runtime's JSON fallback is off: a message without
/// a form cannot leave the node, come from another one, or enter a journal.
/// </summary>
public abstract class ManifestSerializer : SerializerWithStringManifest
{
    private readonly FrozenDictionary<Type, MessageForm> byType;
    private readonly FrozenDictionary<string, MessageForm> byManifest;

    protected ManifestSerializer(ExtendedActorSystem system, int identifier, IReadOnlyList<MessageForm> forms)
        : base(system)
    {
        Identifier = identifier;
        byType = forms.ToFrozenDictionary(form => form.Type);
        byManifest = forms.ToFrozenDictionary(form => form.Manifest);
        AdmittedForms.Of(system).Add(identifier, byManifest.Keys);
    }

    public override int Identifier { get; }

    public override string Manifest(object o) => FormOf(o).Manifest;

    public override byte[] ToBinary(object obj) => FormOf(obj).Write(obj);

    /// <exception cref="System.Runtime.Serialization.SerializationException">The manifest is not known: the message was written by a newer version.</exception>
    public override object FromBinary(byte[] bytes, string manifest) =>
        byManifest.TryGetValue(manifest, out var form)
            ? form.Read(bytes)
            : throw new System.Runtime.Serialization.SerializationException($"{GetType().Name} does not know the manifest '{manifest}': it was written by a newer version");

    private MessageForm FormOf(object message) =>
        byType.TryGetValue(message.GetType(), out var form)
            ? form
            : throw new System.Runtime.Serialization.SerializationException($"{GetType().Name} has no form for {message.GetType()}");
}
