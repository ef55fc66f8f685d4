namespace Vivim.Faults.Cluster;

/// <summary>The gateway that was built with this program.</summary>
internal static class GatewayProgram
{
    private const string Assembly = "Vivim.Gateway.dll";

    /// <summary>The command that runs the gateway built in the same repository, of the same configuration if there is one.</summary>
    /// <exception cref="FaultsException">It is not there.</exception>
    public static IReadOnlyList<string> Command()
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var path = ((string[])[own.Name, "release", "debug"]).Select(c => Path.GetFullPath(Path.Combine(own.FullName, "..", "..", "Vivim.Gateway", c, Assembly))).FirstOrDefault(File.Exists);
        return path is null ? throw new FaultsException("the gateway is not built beside this program; build it with: dotnet build Vivim.Gateway") : ["dotnet", path];
    }
}
