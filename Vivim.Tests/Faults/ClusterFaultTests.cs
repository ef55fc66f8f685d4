using Vivim.Faults.Postgres;
using Vivim.Faults.Table;
using Vivim.Tests.Gateway;
using Xunit.Abstractions;

namespace Vivim.Tests.Faults;

/// <summary>Some of the faults that tests/faults.sh makes, on four real nodes: nothing acknowledged is lost, doubled or contradicted.</summary>
[Collection(ClusterCollection.Name)]
public sealed class ClusterFaultTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    [ClusterTheory]
    [InlineData("1a")]
    [InlineData("9")]
    [InlineData("10")]
    public async Task A_cluster_survives(string number)
    {
        using var limit = new CancellationTokenSource(Limit);

        var report = await new FaultRunner(new Load(People: 50, PerSecond: 30), output.WriteLine, keep: null).RunAsync(FaultTable.All.Single(fault => fault.Number == number), limit.Token);

        Assert.False(report.Failed, $"{report.Name}: {string.Join("; ", report.Notes)}");
        Assert.Equal((0, 0, 0), (report.Lost, report.Duplicated, report.Conflicting));
        Assert.True(report.Acknowledged > 100, $"only {report.Acknowledged} transactions were acknowledged");
    }
}

/// <summary>A test with a cluster; skipped, saying so, where PostgreSQL is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ClusterTheoryAttribute : TheoryAttribute
{
    public ClusterTheoryAttribute() => Skip = PostgresServer.Missing;
}
