using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace Vivim.Actors.Remoting;

/// <summary>
/// Stands in the place of one of Akka.NET's serializers that no node needs, under its id: it reads nothing and writes nothing. Such a serializer makes
/// an object of any type, by the name that comes with a message, or deploys an actor. The configuration says which it replaces (<c>id</c>).
/// </summary>
public sealed class RefusingSerializer : SerializerWithStringManifest
{
    private readonly RefusedMessages refused;

    public RefusingSerializer(ExtendedActorSystem system, Config config)
        : base(system)
    {
        Identifier = config.GetInt("id");
        refused = RefusedMessages.Of(system);
    }

    public override int Identifier { get; }

    /// <exception cref="RefusedFormException">Always: nothing is sent in this form.</exception>
    public override string Manifest(object o) => throw new RefusedFormException($"{o.GetType()} has no form in which it can be sent: the serializer {Identifier} is off");

    /// <exception cref="RefusedFormException">Always: nothing is sent in this form.</exception>
    public override byte[] ToBinary(object obj) => throw new RefusedFormException($"{obj.GetType()} has no form in which it can be sent: the serializer {Identifier} is off");

    /// <exception cref="RefusedFormException">Always: nothing is read in this form.</exception>
    public override object FromBinary(byte[] bytes, string? manifest)
    {
        var refusal = InboundRefusal.OfForm(Identifier, manifest ?? "");
        refused.Add(refusal);
        throw new RefusedFormException(refusal.What);
    }
}
