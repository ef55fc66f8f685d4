using Akka.Actor;
using Akka.Configuration;
using Akka.Remote;

namespace Vivim.Tests.Remoting;

/// <summary>A remoting program of somebody else, with all that Akka.NET brings along and nothing else: no key, no certificate, no member of the cluster.</summary>
internal sealed class Stranger
{
    private readonly ActorSystem system = ActorSystem.Create("stranger", ConfigurationFactory.ParseString("""
        akka {
          actor.provider = remote
          actor.serialization-settings.primitive.use-legacy-behavior = off
          stdout-loglevel = OFF
          loglevel = OFF
          remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
        }
        """));

    public ActorSystem System => system;

    /// <summary>A reference to an actor of a node, made of its path alone.</summary>
    public IInternalActorRef Ref(Address node, string path) => (IInternalActorRef)((ExtendedActorSystem)system).Provider.ResolveActorRef(node + path);

    /// <summary>Asks an actor who it is.</summary>
    /// <returns>Null when nobody answers in time.</returns>
    public static async Task<IActorRef?> IdentifyAsync(ICanTell actor, TimeSpan limit)
    {
        try
        {
            return (await actor.Ask<ActorIdentity>(new Identify("who"), limit)).Subject;
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    public Task EndAsync() => system.Terminate();
}
