using Vivim.Faults.Network;
using Vivim.Faults.Processes;

namespace Vivim.Faults.Table;

/// <summary>Makes faults one after another, each in a cluster of its own.</summary>
/// <param name="say">Hears what happens, a line at a time.</param>
/// <param name="keep">Where to leave every run's folder with settings, databases and logs; null deletes them.</param>
internal sealed class FaultRunner(Load load, Action<string> say, string? keep)
{
    /// <summary>Never throws for what the cluster does wrong: the report says it.</summary>
    public async Task<FaultReport> RunAsync(Fault fault, CancellationToken cancellation)
    {
        if (fault.Missing is { } missing) return Unjudged(fault, isSkipped: true, missing);
        await WorkFolder.RemoveStaleAsync();
        await NamespaceNetwork.RemoveStaleAsync();
        say($"{fault.Number}: {fault.Name}");
        try
        {
            var folder = await WorkFolder.CreateAsync(keep is null ? null : Path.Combine(keep, $"{fault.Number}-{DateTime.Now:HHmmss}"));
            await using var run = await FaultRun.StartAsync(fault.Shape, load, folder, say, cancellation);
            return await run.ReportAsync(fault);
        }
        catch (FaultsException e)
        {
            return Unjudged(fault, isSkipped: false, e.Message);
        }
    }

    private static FaultReport Unjudged(Fault fault, bool isSkipped, string why) => new(fault.Number, fault.Name, 0, 0, 0, 0, 0, Failed: !isSkipped, Skipped: isSkipped, [why]);
}
