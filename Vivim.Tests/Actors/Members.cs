using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster;
using Akka.Configuration;
using Vivim.Actors.Remoting;
using Vivim.Tests.Gateway;
using Vivim.Tests.Remoting;

namespace Vivim.Tests.Actors;

/// <summary>Members of one cluster, each an actor system configured as a node's, over real remoting.</summary>
/// <param name="mayRefuse">Whether members may refuse what comes in, as where a stranger reaches them.</param>
internal sealed class Members(bool mayRefuse = false)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vivim-members-");
    private readonly List<ActorSystem> systems = [];
    private readonly RefusalCount refusals = new();

    /// <summary>A member that is up: the first founds the cluster, the others join it.</summary>
    /// <param name="journals">The folder of its journals, for itself or shared with others of the same.</param>
    /// <param name="settings">HOCON, before a node's own.</param>
    /// <param name="begin">What is to run before it joins.</param>
    /// <param name="tls">Null for plain connections.</param>
    public async Task<ActorSystem> JoinAsync(string journals, string settings, Action<ActorSystem>? begin = null, MutualTls? tls = null)
    {
        var system = Start(journals, settings, tls);
        begin?.Invoke(system);
        using var limit = new CancellationTokenSource(Limit);
        await Cluster.Get(system).JoinAsync(Cluster.Get(systems[0]).SelfAddress, limit.Token);
        return system;
    }

    /// <summary>A member that has not joined.</summary>
    public ActorSystem Start(string journals, string settings, MutualTls? tls = null)
    {
        const string quiet = "akka.loggers = [], akka.loglevel = OFF, akka.stdout-loglevel = OFF";
        var config = ConfigurationFactory.ParseString(settings).WithFallback(ConfigurationFactory.ParseString(quiet)).WithFallback(TestSettings.AkkaOfMember(folder.CreateSubdirectory(journals), "OFF"));
        var setup = ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config));
        systems.Add(ActorSystem.Create("vivim", tls is null ? setup : setup.And(tls)));
        return systems[^1];
    }

    /// <summary>Ends every member, the newest first. None has refused what another one has sent.</summary>
    public async Task EndAsync()
    {
        var refused = refusals.Since();
        foreach (var system in Enumerable.Reverse(systems)) await system.Terminate().WaitAsync(Limit);
        folder.Delete(recursive: true);
        if (!mayRefuse) Assert.Empty(refused);
    }
}
