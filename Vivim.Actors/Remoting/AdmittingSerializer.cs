using System.Collections.Frozen;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Akka.Util;

namespace Vivim.Actors.Remoting;

/// <summary>
/// One of Akka.NET's own serializers, of which only some manifests are read: the others can stop actors, start actors, or make an object of any type.
/// The configuration names the serializer (<c>serializer</c>), the manifests (<c>manifests</c>) or types (<c>types</c>), and whether its messages may stand
/// in others (<c>nested</c>).
/// </summary>
public class AdmittingSerializer : SerializerWithStringManifest
{
    /// <summary>How deep messages may stand in each other. Each level takes of the thread's stack, and Akka.NET sends no more than five.</summary>
    private const int MaxDepth = 8;

    [ThreadStatic]
    private static int depth;

    private readonly Serializer inner;
    private readonly FrozenDictionary<string, Type?> admitted;
    private readonly bool mayBeNested;
    private readonly RefusedMessages refused;

    public AdmittingSerializer(ExtendedActorSystem system, Config config)
        : base(system)
    {
        inner = Make(system, config);
        var types = config.GetStringList("types", []).Select(name => Type.GetType(name, throwOnError: true)!).Select(type => (type.TypeQualifiedName(), (Type?)type));
        admitted = types.Concat(config.GetStringList("manifests", []).Select(manifest => (manifest, (Type?)null))).ToFrozenDictionary(form => form.Item1, form => form.Item2, StringComparer.Ordinal);
        mayBeNested = config.GetBoolean("nested", true);
        refused = RefusedMessages.Of(system);
        AdmittedForms.Of(system).Add(inner.Identifier, admitted.Keys);
    }

    public override int Identifier => inner.Identifier;

    public override string Manifest(object o) => Akka.Serialization.Serialization.ManifestFor(inner, o);

    public override byte[] ToBinary(object obj) => inner.ToBinary(obj);

    /// <exception cref="RefusedFormException">The manifest is not one of those that are read, or the bytes are not of that form.</exception>
    public override object FromBinary(byte[] bytes, string? manifest)
    {
        // A message from another node has null where it has none.
        manifest ??= "";
        depth++;
        try
        {
            if (depth > MaxDepth || (depth > 1 && !mayBeNested)) throw Refuse(manifest, null);
            if (!admitted.TryGetValue(manifest, out var type) || !IsAdmitted(bytes)) throw Refuse(manifest, null);
            return inner is SerializerWithStringManifest byManifest ? byManifest.FromBinary(bytes, manifest) : inner.FromBinary(bytes, type);
        }
        catch (Exception e) when (e is not RefusedFormException)
        {
            // What stands in the message was refused, and counted, or its own bytes are wrong.
            throw e.GetBaseException() is RefusedFormException refusal ? new RefusedFormException(refusal.Message, e) : Refuse(manifest, e);
        }
        finally
        {
            depth--;
        }
    }

    /// <summary>Whether a message of an admitted manifest is read too.</summary>
    protected virtual bool IsAdmitted(byte[] bytes) => true;

    private RefusedFormException Refuse(string manifest, Exception? cause)
    {
        var refusal = InboundRefusal.OfForm(Identifier, manifest, cause is null ? "" : ", bytes that are not of its form");
        refused.Add(refusal);
        return new RefusedFormException(refusal.What, cause);
    }

    private static Serializer Make(ExtendedActorSystem system, Config config)
    {
        var type = Type.GetType(config.GetString("serializer"), throwOnError: true)!;
        object[] arguments = type.GetConstructor([typeof(ExtendedActorSystem), typeof(Config)]) is null ? [system] : [system, config];
        return (Serializer)Activator.CreateInstance(type, arguments)!;
    }
}
