using System.Text.Json;
using Vivim.Benchmarks;

object? report = args switch
{
    ["chain"] => await ChainBenchmark.Run(CancellationToken.None),
    ["consensus"] => ConsensusBenchmark.Run(),
    ["state-sync", var graph] => await StateSyncBenchmark.Run(graph, CancellationToken.None),
    ["cluster-state-sync", var graph, .. { Length: <= 1 } keep] => await ClusterStateSyncBenchmark.Run(graph, keep.FirstOrDefault(), CancellationToken.None),
    ["cluster"] => await ClusterBenchmark.Run(CancellationToken.None),
    _ => null,
};
if (report is null)
{
    await Console.Error.WriteLineAsync("usage: dotnet run -c Release --project Vivim.Benchmarks -- chain|consensus|cluster|state-sync GRAPH-FILE|cluster-state-sync GRAPH-FILE [FOLDER-TO-KEEP]");
    return 2;
}

Console.WriteLine(JsonSerializer.Serialize(report, new JsonSerializerOptions(JsonSerializerDefaults.Web) { WriteIndented = true }));
return 0;
