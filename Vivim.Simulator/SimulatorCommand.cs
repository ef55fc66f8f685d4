using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Vivim.Simulator.Faults;
using Vivim.Simulator.Mutants;

namespace Vivim.Simulator;

/// <summary>The command line of the simulator.</summary>
internal sealed class SimulatorCommand
{
    /// <summary>No promise was broken, or every mutant was caught.</summary>
    private const int Success = 0;

    private const int Failure = 1;

    private const int Usage = 2;

    private static readonly JsonSerializerOptions JsonForm = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Option<int> validators = new("--validators") { Description = "How many validators.", DefaultValueFactory = _ => 4 };
    private readonly Option<int?> seeds = new("--seeds") { Description = "How many seeds, from --seed on. 1 with --seed or --plan, else 100." };
    private readonly Option<ulong> seed = new("--seed") { Description = "The first seed.", DefaultValueFactory = _ => 1 };
    private readonly Option<ulong> heights = new("--heights") { Description = "Heights that every run reaches.", DefaultValueFactory = _ => 20 };
    private readonly Option<bool> byzantine = new("--byzantine") { Description = "Some validators lie: in most runs less than a third of the power, in some more." };
    private readonly Option<bool> setChanges = new("--set-changes") { Description = "The set grows from 4 to 7 validators and shrinks again, under load." };
    private readonly Option<bool> realSignatures = new("--real-signatures") { Description = "Ed25519 instead of a keyed hash." };
    private readonly Option<string?> plan = new("--plan") { Description = "What goes wrong, instead of what the seed draws; as printed with a violation." };
    private readonly Option<bool> mutants = new("--mutants") { Description = "Build wrong versions of the engine, and show that each is caught. Needs the source tree." };
    private readonly Option<string?> mutant = new("--mutant") { Description = "With --mutants: only those with this in their name." };
    private readonly Option<bool> untilViolation = new("--until-violation") { Description = "Stop at the first violation." };
    private readonly Option<bool> trace = new("--trace") { Description = "Print all that happens under the one seed." };
    private readonly Option<int> shrinkSeconds = new("--shrink-seconds") { Description = "How long a violation is made smaller.", DefaultValueFactory = _ => 60 };
    private readonly Option<bool> json = new("--json") { Description = "One JSON object on standard output." };

    private readonly TextWriter output;
    private readonly TextWriter error;
    private readonly RootCommand root;

    public SimulatorCommand(TextWriter output, TextWriter error)
    {
        this.output = output;
        this.error = error;
        root = new RootCommand("Runs the chain's validators on virtual time, network and disks, with everything going wrong that a seed draws.")
        {
            validators, seeds, seed, heights, byzantine, setChanges, realSignatures, plan, mutants, mutant, untilViolation, trace, shrinkSeconds, json,
        };
        root.SetAction(Run);
    }

    public async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count == 0) return await parsed.InvokeAsync(new InvocationConfiguration { Output = output, Error = error });
        await error.WriteLineAsync($"{parsed.Errors[0].Message.TrimEnd('.')}; see --help");
        return Usage;
    }

    private async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        try
        {
            return parsed.GetValue(mutants) ? await RunMutants(parsed, cancellation) : parsed.GetValue(trace) ? await TraceSeed(parsed) : await RunSeeds(parsed, cancellation);
        }
        catch (Exception e) when (e is FormatException or InvalidDataException)
        {
            await error.WriteLineAsync(e.Message);
            return Usage;
        }
    }

    private async Task<int> RunSeeds(ParseResult parsed, CancellationToken cancellation)
    {
        var settings = SettingsOf(parsed);
        var runner = new SeedRunner(settings);
        var isJson = parsed.GetValue(json);
        var report = await ProgressBar.RunAsync("seeds", settings.Seeds, isJson, error, progress => Task.Run(() => runner.Run(progress, cancellation), cancellation));
        if (isJson) await output.WriteLineAsync(JsonSerializer.Serialize(report, JsonForm));
        else await ShowAsync(report);
        return report.Violations == 0 ? Success : Failure;
    }

    private async Task<int> TraceSeed(ParseResult parsed)
    {
        var result = new SeedRunner(SettingsOf(parsed)).RunFirst(keepsText: true);
        foreach (var line in result.Trace) await output.WriteLineAsync(line);
        await output.WriteLineAsync($"{result.Heights} heights, {result.Faults} faults, trace {result.TraceHash}{(result.Violation is { } violation ? $", {violation.Check}: {violation.Message}" : "")}");
        return result.Violation is null ? Success : Failure;
    }

    private RunSettings SettingsOf(ParseResult parsed)
    {
        var isOne = parsed.GetResult(seed) is { Implicit: false } || parsed.GetValue(plan) is not null;
        var written = parsed.GetValue(plan) is { } text ? FaultPlan.Parse(text) : null;
        var count = parsed.GetValue(validators);
        if (count is < 1 or > 100) throw new FormatException($"--validators must be 1 to 100, not {count}");
        return new RunSettings(
            count, parsed.GetValue(seeds) ?? (isOne ? 1 : 100), parsed.GetValue(seed), parsed.GetValue(heights), parsed.GetValue(byzantine), parsed.GetValue(setChanges),
            parsed.GetValue(realSignatures), written, parsed.GetValue(untilViolation), TimeSpan.FromSeconds(written is null ? parsed.GetValue(shrinkSeconds) : 0));
    }

    private async Task ShowAsync(SeedReport report)
    {
        await output.WriteLineAsync($"{report.Seeds} seeds, {report.Heights} heights, {report.Faults} faults, {report.Violations} violations in {report.Seconds} s");
        if (report.Disagreements > 0) await output.WriteLineAsync($"{report.Disagreements} forks by too many liars, {report.Culprits} culprits named");
        if (report.Violation is not { } violation) return;
        await output.WriteLineAsync();
        foreach (var line in violation.Trace) await output.WriteLineAsync(line);
        await output.WriteLineAsync();
        await output.WriteLineAsync($"seed {violation.Seed}: {violation.Check}: {violation.Message}");
        await output.WriteLineAsync($"shrunk from {violation.Before} to {violation.After} faults, from {violation.TraceBefore} to {violation.TraceAfter} events");
        await output.WriteLineAsync($"replay: {violation.Replay}");
    }

    private async Task<int> RunMutants(ParseResult parsed, CancellationToken cancellation)
    {
        var chosen = MutantTable.All.Where(m => m.Name.Contains(parsed.GetValue(mutant) ?? "", StringComparison.OrdinalIgnoreCase)).ToList();
        using var runner = new MutantRunner();
        var isJson = parsed.GetValue(json);
        var done = 0;
        var reports = await ProgressBar.RunAsync("mutants", chosen.Count, isJson, error, progress => runner.RunAsync(
            chosen,
            report =>
            {
                error.WriteLine($"{(report.Caught ? "caught" : "MISSED"),-7} {report.Name,-24} {report.Check,-16} within {report.Seeds} seeds, {report.Seconds} s {(report.Caught ? "" : report.Message)}");
                progress(++done);
            },
            cancellation));
        if (isJson) await output.WriteLineAsync(JsonSerializer.Serialize(new { mutants = reports.Count, caught = reports.Count(r => r.Caught), reports }, JsonForm));
        return reports.All(report => report.Caught) ? Success : Failure;
    }
}
