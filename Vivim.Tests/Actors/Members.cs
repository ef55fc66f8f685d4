using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Vivim.Tests.Gateway;

namespace Vivim.Tests.Actors;

/// <summary>Members of one cluster, each an actor system configured as a node's, over real remoting.</summary>
internal sealed class Members
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-members-");
    private readonly List<ActorSystem> systems = [];

    /// <summary>A member that is up: the first founds the cluster, the others join it.</summary>
    /// <param name="journals">The folder of its journals, for itself or shared with others of the same.</param>
    /// <param name="settings">HOCON, before a node's own.</param>
    /// <param name="begin">What is to run before it joins.</param>
    public async Task<ActorSystem> JoinAsync(string journals, string settings, Action<ActorSystem>? begin = null)
    {
        const string quiet = "akka.loggers = [], akka.loglevel = OFF, akka.stdout-loglevel = OFF";
        var system = ActorSystem.Create("vivim", ConfigurationFactory.ParseString(settings).WithFallback(ConfigurationFactory.ParseString(quiet)).WithFallback(TestSettings.Akka(folder.CreateSubdirectory(journals), "OFF")));
        systems.Add(system);
        begin?.Invoke(system);
        using var limit = new CancellationTokenSource(Limit);
        await Cluster.Get(system).JoinAsync(Cluster.Get(systems[0]).SelfAddress, limit.Token);
        return system;
    }

    /// <summary>Ends every member, the newest first.</summary>
    public async Task EndAsync()
    {
        foreach (var system in Enumerable.Reverse(systems)) await system.Terminate().WaitAsync(Limit);
        folder.Delete(recursive: true);
    }
}
