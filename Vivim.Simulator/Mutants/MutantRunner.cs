using System.Diagnostics;
using System.Text.Json;
using Vivim.Simulator.Faults;
using Vivim.Simulator.Oracle;

namespace Vivim.Simulator.Mutants;

/// <summary>Builds each mutant in a copy of the source tree, and runs seeds until the oracle notices.</summary>
internal sealed class MutantRunner : IDisposable
{
    private const int MaxSeeds = 5_000;
    private const int Validators = 4;
    private const ulong Heights = 20;

    private static readonly string[] Projects = ["Vivim.Protocol", "Vivim.Ledger", "Vivim.Actors", "Vivim.Chain", "Vivim.Simulator"];
    private static readonly string[] BuildFiles = ["Directory.Build.props", "Directory.Packages.props", "global.json", ".editorconfig"];
    private static readonly JsonSerializerOptions JsonForm = new(JsonSerializerDefaults.Web);

    private readonly string root = FindRoot();
    private readonly string copy = Directory.CreateTempSubdirectory("vivim-mutants-").FullName;

    /// <summary>The folder of the source tree, from the current one upwards.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static string FindRoot()
    {
        for (var folder = new DirectoryInfo(Directory.GetCurrentDirectory()); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Vivim.sln"))) return folder.FullName;
        }

        throw new InvalidDataException("--mutants builds the program anew: run it inside a clone of the repository, there is no Vivim.sln here or above");
    }

    /// <param name="progress">Is told of each mutant that is done.</param>
    public async Task<IReadOnlyList<MutantReport>> RunAsync(IReadOnlyList<Mutant> mutants, Action<MutantReport> progress, CancellationToken cancellation)
    {
        CopySources();
        await Dotnet(["restore", "Vivim.Simulator", "--verbosity", "quiet"], cancellation);
        var reports = new List<MutantReport>();
        foreach (var mutant in mutants)
        {
            reports.Add(await Run(mutant, cancellation));
            progress(reports[^1]);
        }

        return reports;
    }

    public void Dispose() => Directory.Delete(copy, recursive: true);

    private void CopySources()
    {
        foreach (var file in BuildFiles) File.Copy(Path.Combine(root, file), Path.Combine(copy, file));
        foreach (var file in Projects.SelectMany(project => Directory.EnumerateFiles(Path.Combine(root, project), "*", SearchOption.AllDirectories)))
        {
            var target = Path.Combine(copy, Path.GetRelativePath(root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private async Task<MutantReport> Run(Mutant mutant, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        foreach (var edit in mutant.Edits) await Change(edit.File, edit.Apply, cancellation);
        try
        {
            var (built, log) = await TryDotnet(["build", "Vivim.Simulator", "-c", "Release", "--no-restore", "--verbosity", "quiet", "-p:RunAnalyzers=false", "-p:TreatWarningsAsErrors=false"], cancellation);
            if (built != 0) return new MutantReport(mutant.Name, mutant.Breaks, Caught: false, "", 0, Math.Round(clock.Elapsed.TotalSeconds, 1), $"it does not compile: {log}", "");
            var program = Path.Combine(copy, "artifacts", "bin", "Vivim.Simulator", "release", "Vivim.Simulator.dll");
            string[] arguments = [program, "--validators", $"{Validators}", "--heights", $"{Heights}", "--seeds", $"{MaxSeeds}", "--byzantine", "--until-violation", "--shrink-seconds", "10", "--json"];
            var (_, json) = await TryDotnet(arguments, cancellation);
            var report = JsonSerializer.Deserialize<SeedReport>(json, JsonForm) ?? throw new InvalidDataException($"the mutant '{mutant.Name}' gave no report: {json}");
            var violation = report.Violation;
            if (violation is not null && Original(violation.Seed) is { } own) return new MutantReport(mutant.Name, mutant.Breaks, Caught: false, own.Check, report.Seeds, Math.Round(clock.Elapsed.TotalSeconds, 1), $"seed {violation.Seed} breaks the program as it is, too: {own.Message}", violation.Replay);
            return new MutantReport(mutant.Name, mutant.Breaks, violation is not null, violation?.Check ?? "", report.Seeds, Math.Round(clock.Elapsed.TotalSeconds, 1), violation?.Message ?? "", violation?.Replay ?? "");
        }
        finally
        {
            foreach (var edit in mutant.Edits) File.Copy(Path.Combine(root, edit.File), Path.Combine(copy, edit.File), overwrite: true);
            foreach (var edit in mutant.Edits) File.SetLastWriteTimeUtc(Path.Combine(copy, edit.File), DateTime.UtcNow);
        }
    }

    /// <summary>What the program as it is does under a seed: it must break nothing.</summary>
    private static Violation? Original(ulong seed) => new Simulation(seed, PlanMaker.Draw(seed, Validators, Heights, byzantine: true)).Run().Violation;

    private async Task Change(string name, Func<string, string> change, CancellationToken cancellation)
    {
        var file = Path.Combine(copy, name);
        await File.WriteAllTextAsync(file, change(await File.ReadAllTextAsync(file, cancellation)), cancellation);
    }

    private async Task Dotnet(IEnumerable<string> arguments, CancellationToken cancellation)
    {
        var (code, log) = await TryDotnet(arguments, cancellation);
        if (code != 0) throw new InvalidDataException($"dotnet {string.Join(' ', arguments)} failed:{Environment.NewLine}{log}");
    }

    private async Task<(int Code, string Output)> TryDotnet(IEnumerable<string> arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = copy, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using var process = Process.Start(start) ?? throw new InvalidDataException("dotnet cannot be started");
        var errors = process.StandardError.ReadToEndAsync(cancellation);
        var text = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return (process.ExitCode, text + (process.ExitCode > 1 || text.Length == 0 ? await errors : ""));
    }
}
