using System.Globalization;

namespace Vivim.Faults.Processes;

/// <summary>
/// A temporary folder of one run. It names the run's process, so that a later run finds what one that was killed has left behind:
/// processes, mounts and network namespaces too.
/// </summary>
internal sealed class WorkFolder : IAsyncDisposable
{
    private const string Prefix = "vivim-faults-";
    private const string Owner = "owner";

    private readonly bool keeps;

    private WorkFolder(string root, bool keeps)
    {
        Root = root;
        this.keeps = keeps;
    }

    public string Root { get; }

    /// <param name="parent">Where to make it and leave it; null for a temporary folder that is deleted in the end.</param>
    public static async Task<WorkFolder> CreateAsync(string? parent = null)
    {
        var root = parent is null ? Directory.CreateTempSubdirectory(Prefix).FullName : Directory.CreateDirectory(Path.GetFullPath(parent)).FullName;
        await File.WriteAllTextAsync(Path.Combine(root, Owner), $"{Environment.ProcessId}");
        // PostgreSQL runs as another user and must get through to its own folder.
        await SystemProgram.RunAsync(["chmod", "711", root]);
        return new WorkFolder(root, keeps: parent is not null);
    }

    public string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    public string Folder(params string[] parts) => Directory.CreateDirectory(PathOf(parts)).FullName;

    /// <summary>Ends and removes what runs have left whose process is gone.</summary>
    public static async Task RemoveStaleAsync()
    {
        foreach (var folder in Directory.GetDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            var owner = Path.Combine(folder, Owner);
            if (File.Exists(owner) && int.TryParse(await File.ReadAllTextAsync(owner), CultureInfo.InvariantCulture, out var id) && Directory.Exists($"/proc/{id}")) continue;
            await EndAllIn(folder);
            Delete(folder);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await EndAllIn(Root);
        if (!keeps) Delete(Root);
    }

    /// <summary>Kills the processes whose command line names the folder, and unmounts what is mounted in it.</summary>
    private static async Task EndAllIn(string folder)
    {
        var own = Environment.ProcessId;
        foreach (var id in Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(name => name!.All(char.IsAsciiDigit)).Select(name => int.Parse(name!)))
        {
            if (id != own && CommandLine(id).Contains(folder + '/', StringComparison.Ordinal)) await SystemProgram.TryRunAsync("kill", "-KILL", $"{id}");
        }

        foreach (var mount in File.ReadLines("/proc/mounts").Select(line => line.Split(' ')[1]).Where(at => at.StartsWith(folder + '/', StringComparison.Ordinal)).ToList())
            await SystemProgram.TryRunAsync("umount", "-l", mount);
    }

    private static string CommandLine(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static void Delete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (IOException)
        {
            // A process that was just killed may still be writing; the next run removes the rest.
        }
    }
}
