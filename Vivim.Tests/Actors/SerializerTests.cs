using Akka.Actor;
using Akka.Configuration;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Actors;

/// <summary>What tests of serializers run on: an actor system with a node's configuration, which logs nothing.</summary>
[Collection(ActorTests.Collection)]
public abstract class SerializerTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-serializer-");

    protected SerializerTests() =>
        System = ActorSystem.Create("serializer", ConfigurationFactory.ParseString("akka.loggers = [], akka.stdout-loglevel = OFF").WithFallback(TestSettings.Akka(folder, "OFF")));

    protected ActorSystem System { get; }

    public void Dispose()
    {
        System.Terminate().Wait(TimeSpan.FromSeconds(20));
        System.Dispose();
        folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }
}
