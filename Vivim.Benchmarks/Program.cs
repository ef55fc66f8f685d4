using System.Text.Json;
using Vivim.Benchmarks;

if (args is not ["chain"])
{
    await Console.Error.WriteLineAsync("usage: dotnet run -c Release --project Vivim.Benchmarks -- chain");
    return 2;
}

var report = await ChainBenchmark.Run(CancellationToken.None);
Console.WriteLine(JsonSerializer.Serialize(report, new JsonSerializerOptions(JsonSerializerDefaults.Web) { WriteIndented = true }));
return 0;
