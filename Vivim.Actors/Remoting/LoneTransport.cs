using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Transport;

namespace Vivim.Actors.Remoting;

/// <summary>
/// The remoting of a node on its own. It listens nowhere and reaches nobody: the node is a cluster of one, and nobody can connect to it.
/// Akka.NET makes it by the name of its class.
/// </summary>
public sealed class LoneTransport : Transport
{
    /// <summary>The scheme of the node's address, after "akka.".</summary>
    public const string Scheme = "lone";

    public LoneTransport(ActorSystem system, Config config)
    {
        System = system;
        Config = config;
        SchemeIdentifier = Scheme;
    }

    public override Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen() =>
        Task.FromResult((new Address(Scheme, System.Name, "localhost", 0), new TaskCompletionSource<IAssociationEventListener>()));

    public override bool IsResponsibleFor(Address remote) => true;

    public override Task<AssociationHandle> Associate(Address remoteAddress) =>
        Task.FromException<AssociationHandle>(new InvalidAssociationException($"{remoteAddress} cannot be reached: this node is on its own"));

    public override Task<bool> Shutdown() => Task.FromResult(true);
}
