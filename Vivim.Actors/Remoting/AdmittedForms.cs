using System.Collections.Concurrent;
using System.Collections.Frozen;
using Akka.Actor;

namespace Vivim.Actors.Remoting;

/// <summary>The forms of messages that an actor system reads from other nodes: manifests by serializer. Each serializer adds its own when it is made.</summary>
public sealed class AdmittedForms : IExtension
{
    private readonly ConcurrentDictionary<int, FrozenSet<string>> manifests = new();

    /// <summary>Those of an actor system.</summary>
    public static AdmittedForms Of(ActorSystem system) => system.WithExtension<AdmittedForms, Provider>();

    /// <summary>Admits a serializer's manifests.</summary>
    public void Add(int serializer, IEnumerable<string> admitted) => manifests[serializer] = admitted.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Whether messages of this form are read.</summary>
    public bool Has(int serializer, string manifest) => manifests.TryGetValue(serializer, out var admitted) && admitted.Contains(manifest);

    private sealed class Provider : ExtensionIdProvider<AdmittedForms>
    {
        public override AdmittedForms CreateExtension(ExtendedActorSystem system) => new();
    }
}
