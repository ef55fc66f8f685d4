using System.Globalization;
using System.Text.RegularExpressions;

namespace Vivim.Tests.Gateway;

/// <summary>/metrics of a real node, read as Prometheus would.</summary>
[Collection(NodeCollection.Name)]
public sealed partial class MetricsTests
{
    [Fact]
    public async Task A_node_tells_of_its_chain_its_cluster_and_itself()
    {
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, "genesis.block-interval = 250ms");

        var before = await ScrapeAsync(node);
        await TestPerson.RegisteredAsync(node, 3);
        var height = (await node.Client.GetStatusAsync()).Height;
        // An interval takes two commits, and the answer to a scrape is kept for a moment.
        var after = before;
        await Eventually.Async(async () => (after = await ScrapeAsync(node)).ContainsKey("vivim_commit_interval_seconds_count") && after["vivim_committed_height"] >= height);

        Assert.InRange(after["vivim_committed_height"], height, (await node.Client.GetStatusAsync()).Height);
        Assert.True(after["vivim_committed_height"] > before["vivim_committed_height"]);
        Assert.True(after["vivim_committed_blocks_total"] > before.GetValueOrDefault("vivim_committed_blocks_total"));
        Assert.Equal(3, after["vivim_committed_transactions_total{code=\"OK\"}"]);
        Assert.InRange(after["vivim_commit_interval_seconds_sum"] / after["vivim_commit_interval_seconds_count"], 0.01, 60);
        Assert.Equal(0, after["vivim_pool_pending_transactions"]);
        Assert.Equal((3, 0), (after["vivim_commit_latency_seconds_count"], after["vivim_commit_waiting_transactions"]));
        Assert.InRange(after["vivim_commit_latency_seconds_sum"] / 3, 0.001, 60);
        Assert.Equal(after["vivim_committed_blocks_total"], after["vivim_commit_rounds_count"]);
        Assert.InRange(after["vivim_commit_rounds_sum"], after["vivim_commit_rounds_count"], 10 * after["vivim_commit_rounds_count"]);
        foreach (var journal in (string[])["pool", "consensus", "tasks"])
        {
            Assert.InRange(after[$"vivim_journal_write_seconds_count{{journal=\"{journal}\"}}"], 1, 1_000);
            Assert.InRange(after[$"vivim_journal_write_seconds_sum{{journal=\"{journal}\"}}"], 1e-6, 60);
        }

        foreach (var actor in (string[])["ledger", "verifiers", "sync", "pool", "validators", "block-makers", "workers"]) Assert.InRange(after[$"vivim_mailbox_depth_messages{{actor=\"{actor}\"}}"], 0, 1_000);
        Assert.Equal(1, after["vivim_cluster_members{status=\"up\"}"]);
        Assert.Equal(0, after["vivim_cluster_unreachable_members"]);
        Assert.InRange(after["vivim_supervision_events_total{kind=\"started\"}"], 20, 1_000);
        Assert.Equal((1, 0), (after["vivim_supervision_events_total{kind=\"member-up\"}"], after["vivim_supervision_events_total{kind=\"restarted\"}"]));
        Assert.InRange(after["dotnet_process_memory_working_set_bytes"], 20e6, 4e9);
        Assert.Contains("dotnet_gc_collections_total{gc_heap_generation=\"gen0\"}", after.Keys);
    }

    [Fact]
    public async Task What_waits_in_the_pool_is_counted()
    {
        using var files = new NodeFiles();
        // After the first block, which comes at once, there is none for as long as the test runs.
        await using var node = await NodeProcess.StartAsync(files, "genesis { block-interval = 600s, empty-block-interval = 600s }");
        await Eventually.Async(async () => (await node.Client.GetStatusAsync()).Height == 1);
        using var alice = new TestPerson((await node.Client.GetStatusAsync()).ChainId);
        await node.Client.SubmitAsync(alice.Sign(alice.Registration()));

        Assert.Equal(1, (await ScrapeAsync(node))["vivim_pool_pending_transactions"]);
    }

    [Fact]
    public async Task Every_figure_that_the_alerts_and_the_dashboard_name_is_told()
    {
        var texts = new[] { "alerts.yml", "grafana-dashboard.json" }.Select(file => File.ReadAllText(Repository.PathOf("monitoring", file)));
        var named = texts.SelectMany(text => Figure().Matches(text)).Select(match => match.Value).ToHashSet();
        using var files = new NodeFiles();
        await using var node = await NodeProcess.StartAsync(files, $"genesis.block-interval = 250ms\n workers.backup.directory = \"{files.PathOf("backups")}\"");
        await TestPerson.RegisteredAsync(node, 3);

        // Some are told when there is something to tell: two commits, a worker that has been probed.
        var missing = named;
        await Eventually.Async(async () =>
        {
            var told = (await ScrapeAsync(node)).Keys.Select(series => series.Split('{')[0]).ToHashSet();
            missing = [.. named.Except(told)];
            return missing.Count == 0;
        }, "every figure is told");
        Assert.True(named.Count > 10);
    }

    /// <summary>Name and labels of each sample, with its value; fails on a line that is not of the format.</summary>
    private static async Task<Dictionary<string, double>> ScrapeAsync(NodeProcess node)
    {
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri(node.Http, "metrics"));
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        var lines = (await answer.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return lines.Where(line => !line.StartsWith('#')).Select(line => Sample().Match(line)).ToDictionary(
            sample => sample.Groups["series"].Value + (sample.Groups["labels"].Length > 0 ? $"{{{sample.Groups["labels"].Value}}}" : ""),
            sample => double.Parse(sample.Groups["value"].Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex("""^(?<series>[a-z_][a-z0-9_]*)(\{(?<labels>([a-z_]+="[^"]*",?)*)\})? (?<value>[-+0-9.eE]+|\+Inf|NaN)$""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Sample();

    [GeneratedRegex("(vivim|dotnet)_[a-z0-9_]+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Figure();
}
