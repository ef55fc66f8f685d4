using System.Diagnostics;

namespace Vivim.Tests.Gateway;

/// <summary>The project's own tools for tests, in <c>tests/tools/</c>.</summary>
internal static class TestTools
{
    /// <summary>The path of a tool.</summary>
    public static string PathOf(string name) => Path.Combine(Checkout(), "tests", "tools", name);

    /// <summary>Whether a program is in the PATH.</summary>
    public static bool Has(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>Runs a program that must succeed.</summary>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {process.ExitCode}\n{output}{await error}");
        return output;
    }

    private static string Checkout()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Vivim.sln"))) return folder.FullName;
        }

        throw new DirectoryNotFoundException("the tests do not run inside a checkout");
    }
}

/// <summary>A disk under a node's data folder that holds only what was synced (tests/tools/README.md).</summary>
internal sealed class PowerLoss
{
    private readonly NodeFiles files;
    private readonly string library;
    private readonly string shadow;

    private PowerLoss(NodeFiles files)
    {
        this.files = files;
        library = files.PathOf("unsynced.so");
        shadow = files.PathOf("shadow");
    }

    /// <summary>Why a test with it cannot run here; null when it can.</summary>
    public static string? Missing { get; } = OperatingSystem.IsLinux() && TestTools.Has("gcc") ? null : "needs Linux and gcc, to build tests/tools/unsynced.c";

    public static async Task<PowerLoss> PrepareAsync(NodeFiles files)
    {
        var disk = new PowerLoss(files);
        Directory.CreateDirectory(files.Data);
        await TestTools.RunAsync("bash", TestTools.PathOf("power-loss.sh"), "build", disk.library);
        return disk;
    }

    public NodeStart Start(string settings) => new(files)
    {
        Settings = settings,
        Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["UNSYNCED_DIR"] = files.Data, ["UNSYNCED_SHADOW"] = shadow, ["LD_PRELOAD"] = library },
    };

    /// <summary>Kills the node and puts into its data folder what the disk would hold.</summary>
    public Task CutAsync(NodeProcess node) => TestTools.RunAsync("bash", TestTools.PathOf("power-loss.sh"), "crash", $"{node.Id}", files.Data, shadow);

}

/// <summary>A test that cuts the power; skipped, saying so, where its tools are absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PowerLossFactAttribute : FactAttribute
{
    public PowerLossFactAttribute() => Skip = PowerLoss.Missing;
}

/// <summary>The same for several moments.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PowerLossTheoryAttribute : TheoryAttribute
{
    public PowerLossTheoryAttribute() => Skip = PowerLoss.Missing;
}
