using System.Text.Json;
using Vivim.Benchmarks;

object? report = args switch
{
    ["chain"] => await ChainBenchmark.Run(CancellationToken.None),
    ["consensus"] => ConsensusBenchmark.Run(),
    ["state-sync", var graph] => await StateSyncBenchmark.Run(graph, CancellationToken.None),
    ["cluster"] => await ClusterBenchmark.Run(CancellationToken.None),
    _ => null,
};
if (report is null)
{
    await Console.Error.WriteLineAsync("usage: dotnet run -c Release --project Vivim.Benchmarks -- chain|consensus|cluster|state-sync GRAPH-FILE");
    return 2;
}

Console.WriteLine(JsonSerializer.Serialize(report, new JsonSerializerOptions(JsonSerializerDefaults.Web) { WriteIndented = true }));
return 0;
