using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Vivim.Faults.Table;

namespace Vivim.Faults;

/// <summary>The command line of the faults.</summary>
internal sealed class FaultsCommand
{
    /// <summary>Nothing was lost, doubled or contradicted, and every cluster recovered.</summary>
    private const int Success = 0;

    private const int Failure = 1;

    private const int Usage = 2;

    private static readonly JsonSerializerOptions JsonForm = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Argument<string[]> numbers = new("numbers") { Description = "Which faults, e.g. 1a 3 10; 1 means 1a, 1b, 1c. All when none is named.", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<bool> list = new("--list") { Description = "Name the faults and what keeps them from running here." };
    private readonly Option<double> rate = new("--rate") { Description = "Transactions per second.", DefaultValueFactory = _ => new Load().PerSecond };
    private readonly Option<string?> keep = new("--keep") { Description = "A folder in which settings, databases and logs of every run are left." };
    private readonly Option<bool> json = new("--json") { Description = "One JSON object on standard output." };

    private readonly TextWriter output;
    private readonly TextWriter error;
    private readonly RootCommand root;

    public FaultsCommand(TextWriter output, TextWriter error)
    {
        this.output = output;
        this.error = error;
        root = new RootCommand("Runs clusters of four real nodes under load, breaks them, and shows from outside that nothing acknowledged was lost, doubled or contradicted.") { numbers, list, rate, keep, json };
        root.SetAction(RunAsync);
    }

    public async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var parsed = root.Parse(arguments);
        // Databases, nodes and networks have to be ended, which takes longer than the parser would wait.
        if (parsed.Errors.Count == 0) return await parsed.InvokeAsync(new InvocationConfiguration { Output = output, Error = error, ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
        await error.WriteLineAsync($"{parsed.Errors[0].Message.TrimEnd('.')}; see --help");
        return Usage;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var wanted = parsed.GetValue(numbers) ?? [];
        if (wanted.FirstOrDefault(number => !FaultTable.All.Any(fault => fault.IsChosenBy(number))) is { } unknown)
        {
            await error.WriteLineAsync($"there is no fault {unknown}; see --list");
            return Usage;
        }

        var chosen = FaultTable.All.Where(fault => wanted.Length == 0 || wanted.Any(fault.IsChosenBy)).ToList();
        if (parsed.GetValue(list)) return await ListAsync(chosen);
        var runner = new FaultRunner(new Load(PerSecond: parsed.GetValue(rate)), line => error.WriteLine($"{DateTime.Now:HH:mm:ss} {line}"), parsed.GetValue(keep));
        var reports = new List<FaultReport>();
        foreach (var fault in chosen)
        {
            var report = await runner.RunAsync(fault, cancellation);
            reports.Add(report);
            await error.WriteLineAsync(Row(report));
        }

        await ShowAsync(reports, parsed.GetValue(json));
        return reports.Any(report => report.Failed) ? Failure : Success;
    }

    private async Task<int> ListAsync(IReadOnlyList<Fault> faults)
    {
        foreach (var fault in faults) await output.WriteLineAsync($"{fault.Number,-3} {fault.Name}{(fault.Missing is { } missing ? $" (not here: {missing})" : "")}");
        return Success;
    }

    private async Task ShowAsync(IReadOnlyList<FaultReport> reports, bool isJson)
    {
        if (isJson)
        {
            await output.WriteLineAsync(JsonSerializer.Serialize(new { failed = reports.Count(r => r.Failed), skipped = reports.Count(r => r.Skipped), faults = reports }, JsonForm));
            return;
        }

        await output.WriteLineAsync("| fault | acknowledged | lost | duplicated | conflicting | pause ms | notes |");
        await output.WriteLineAsync("|---|---|---|---|---|---|---|");
        foreach (var report in reports) await output.WriteLineAsync(Row(report));
    }

    private static string Row(FaultReport report)
    {
        var notes = $"{(report.Skipped ? "SKIPPED: " : report.Failed ? "FAILED: " : "")}{string.Join("; ", report.Notes)}".Replace('|', '/');
        return $"| {report.Fault} {report.Name.Replace("|", "\\|", StringComparison.Ordinal)} | {report.Acknowledged} | {report.Lost} | {report.Duplicated} | {report.Conflicting} | {report.PauseMs} | {notes} |";
    }
}
