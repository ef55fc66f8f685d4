using System.Text.Json;
using Grpc.Core;
using Vivim.Cli;
using Vivim.Cli.Keys;
using Vivim.Client;
using Vivim.Protocol.Keys;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Tests.Gateway;

/// <summary>The workers of a real node, as its operator sees them from the command line.</summary>
[Collection(NodeCollection.Name)]
public sealed class WorkersTests : IDisposable
{
    private const string Gc = "gc-local";

    private readonly NodeFiles files = new();

    public void Dispose() => files.Dispose();

    [Fact]
    public async Task An_operator_sees_the_garbage_collector_at_work_and_restarts_it()
    {
        await using var node = await StartAsync();
        await Eventually.Async(async () => await DoneAsync(node) >= 2);
        var worker = (await JsonAsync(node, "list")).GetProperty("workers").EnumerateArray().Single(w => Text(w, "worker") == Gc);
        Assert.Equal((Gc, "local", "running", "healthy"), (Text(worker, "worker"), Text(worker, "node"), Text(worker, "state"), Text(worker, "health")));

        // The chain's own actors are workers too, which say what they are at.
        string[] all = ["blockmaker-1", Gc, "statesync-local", .. Enumerable.Range(0, 8).Select(partition => $"txpool-{partition}"), "validator-1"];
        await Eventually.Async(async () =>
        {
            var workers = (await JsonAsync(node, "list")).GetProperty("workers").EnumerateArray().ToList();
            Assert.Equal(all, workers.Select(w => Text(w, "worker")).Order(StringComparer.Ordinal));
            return workers.All(w => Text(w, "state") == "running" && Text(w, "health") == "healthy");
        });
        Assert.Matches("^did:key:z6Mk[^:]+: height [0-9]+, round 0, ", Text((await JsonAsync(node, "show", "validator-1")).GetProperty("worker"), "healthMessage"));

        // Its inbox is known to the cluster's mediator in a moment.
        await Eventually.Async(async () => (await JsonAsync(node, "ping", Gc)).GetProperty("tookMicroseconds").GetInt64() is > 0 and < 10_000_000);
        var shown = await JsonAsync(node, "show", Gc);
        Assert.Equal("every 500ms", Text(shown.GetProperty("schedules")[0], "when"));
        Assert.Equal(25, shown.GetProperty("config").GetProperty("maxCpu").GetInt32());
        var tasks = (await JsonAsync(node, "tasks", Gc, "--phase", "done")).GetProperty("tasks").EnumerateArray().ToList();
        Assert.All(tasks, task => Assert.StartsWith("free-space@", Text(task, "id"), StringComparison.Ordinal));
        Assert.Contains("files", Text(tasks[0], "outcome"), StringComparison.Ordinal);

        await JsonAsync(node, "restart", Gc);
        await Eventually.Async(async () => await ChangesAsync(node) is [.., "stopping", "stopped", "starting", "running"]);
        Assert.Equal(2, (await JsonAsync(node, "show", Gc)).GetProperty("worker").GetProperty("epoch").GetInt32());

        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri(node.Http, "metrics"));
        Assert.Matches("vivim_worker_tasks_total\\{outcome=\"done\",worker=\"gc-local\"\\} [1-9]|vivim_worker_tasks_total\\{worker=\"gc-local\",outcome=\"done\"\\} [1-9]", metrics);
        Assert.Contains("vivim_worker_health{", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_crashed_on_purpose_is_seen_to_fail_restart_and_run_and_no_run_of_it_is_lost()
    {
        await using var node = await StartAsync();
        await Eventually.Async(async () => await DoneAsync(node) >= 1);
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var seen = new SharedText();
        var watching = new VivimCommand(new KeyStore(files.PathOf("keys")), seen, TextWriter.Null)
            .RunAsync(["supervision", "watch", "--kind", "restarted", "--kind", "worker-changed", "--path", $"/system/sharding/workers/{Gc}", "--last", "0", .. At(node)], stop.Token);
        // Until the watch has begun nothing can be told to it: a crash more than one does no harm.
        await Eventually.Async(async () =>
        {
            Assert.Equal(Gc, Text(await JsonAsync(node, "crash", Gc), "worker"));
            await Eventually.Async(async () => await ChangesAsync(node) is ["failed", "restarting", "running"]);
            return Crash().Length == 4;
        });
        await stop.CancelAsync();
        await watching;

        Assert.Collection(
            Crash(),
            line => Assert.Matches("CrashedOnPurposeException: crashed on purpose by did:key:", line),
            line => Assert.Matches("worker-changed .* Failed: its life [0-9]+ ended without a stop \\(initialized -> failed\\)$", line),
            line => Assert.EndsWith("(failed -> restarting)", line, StringComparison.Ordinal),
            line => Assert.EndsWith("(restarting -> running)", line, StringComparison.Ordinal));
        var done = await DoneAsync(node);
        await Eventually.Async(async () => await DoneAsync(node) > done);

        // The first crash that was told from its beginning on, and what became of it.
        string[] Crash() => [.. seen.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).SkipWhile(line => !line.Contains(" restarted ", StringComparison.Ordinal)).Take(4)];
    }

    [Fact]
    public async Task After_a_kill_the_worker_is_back_with_its_tasks_and_says_that_it_failed()
    {
        long done;
        await using (var node = await StartAsync())
        {
            await Eventually.Async(async () => await DoneAsync(node) >= 3);
            done = await DoneAsync(node);
            await node.KillAsync();
        }

        await using var again = await StartAsync();
        await Eventually.Async(async () => await DoneAsync(again) > done);
        Assert.Equal(["failed", "restarting", "running"], await ChangesAsync(again));
        var worker = (await JsonAsync(again, "show", Gc)).GetProperty("worker");
        Assert.Equal((2, 1), (worker.GetProperty("epoch").GetInt32(), worker.GetProperty("metrics").GetProperty("restarts").GetInt32()));
        await again.StopAsync();

        // A stop that was asked for is no failure.
        await using var third = await StartAsync();
        await Eventually.Async(async () => await ChangesAsync(third) is ["starting", "running"]);
        Assert.Equal(1, (await JsonAsync(third, "show", Gc)).GetProperty("worker").GetProperty("metrics").GetProperty("restarts").GetInt32());
    }

    [Fact]
    public async Task Nobody_but_an_operator_is_heard_and_wrong_names_are_refused_with_a_reason()
    {
        await using var node = await StartAsync();
        await Eventually.Async(async () => await DoneAsync(node) >= 1);
        var workers = new V1.Workers.WorkersClient(node.Channel);
        foreach (var method in V1.WorkersReflection.Descriptor.Services.Single().Methods)
        {
            await SeenRefusal.IsAsync(StatusCode.Unauthenticated, "TOKEN_MISSING", async () =>
            {
                switch (method.Name)
                {
                    case "List":
                        await workers.ListAsync(new());
                        break;
                    case "Show":
                        await workers.ShowAsync(new());
                        break;
                    case "Restart":
                        await workers.RestartAsync(new());
                        break;
                    case "Crash":
                        await workers.CrashAsync(new());
                        break;
                    case "Scale":
                        await workers.ScaleAsync(new());
                        break;
                    case "Ping":
                        await workers.PingAsync(new());
                        break;
                    case "ListTasks":
                        await workers.ListTasksAsync(new());
                        break;
                    case "SubmitTask":
                        await workers.SubmitTaskAsync(new());
                        break;
                    case "ResolveTask":
                        await workers.ResolveTaskAsync(new());
                        break;
                    default:
                        throw new InvalidOperationException(method.Name);
                }
            });
        }

        Assert.Contains("WORKER_UNKNOWN", await FailAsync(node, "show", "gc-elsewhere"), StringComparison.Ordinal);
        Assert.Contains("WORKER_UNKNOWN", await FailAsync(node, "show", "blockmaker-0"), StringComparison.Ordinal);
        Assert.Contains("WORKERS_NOT_SCALABLE", await FailAsync(node, "scale", "gc", "2"), StringComparison.Ordinal);
        Assert.Contains("TASK_UNKNOWN", await FailAsync(node, "resolve", Gc, "nothing", "done"), StringComparison.Ordinal);
        var task = Text((await JsonAsync(node, "tasks", Gc, "--phase", "done")).GetProperty("tasks")[0], "id");
        Assert.Contains("TASK_NOT_IN_DOUBT", await FailAsync(node, "resolve", Gc, task, "again"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_a_caller_chooses_has_a_form_and_what_is_quoted_of_a_call_is_printable()
    {
        await using var node = await StartAsync();
        using var key = SigningKey.ReadFrom(Path.Combine(files.Data, "keys", "operator.key"));
        var (workers, cluster) = (node.Client.OperateWorkers(key), node.Client.Operate(key));
        await Eventually.Async(async () => await DoneAsync(node) >= 1);
        foreach (var id in (string[])["\e[2J", "free-space@1", "a b", "tâche", "", new string('x', 129)])
            Assert.Equal("INVALID_ARGUMENT", (await Assert.ThrowsAsync<VivimException>(() => workers.SubmitTaskAsync(Gc, id, "free-space"))).Reason);
        Assert.Equal("INVALID_ARGUMENT", (await Assert.ThrowsAsync<VivimException>(() => ReadAsync(cluster.TailLogAsync(new() { CorrelationId = "any" })))).Reason);

        var unknown = (await Assert.ThrowsAsync<VivimException>(() => workers.ShowAsync("\e[2J\u202e" + new string('x', 100_000)))).Message;
        Assert.Contains("there is no worker \\u{1B}[2J\\u{202E}xxx", unknown, StringComparison.Ordinal);
        Assert.InRange(unknown.Length, 1, 4_096);

        static async Task ReadAsync<T>(IAsyncEnumerable<T> items)
        {
            await foreach (var _ in items) continue;
        }
    }

    /// <summary>What commands need to reach the node as its operator.</summary>
    private string[] At(NodeProcess node) => ["--node", node.Grpc.OriginalString, "--key", Path.Combine(files.Data, "keys", "operator.key")];

    private static string Text(JsonElement element, string property) => element.GetProperty(property).GetString()!;

    private Task<NodeProcess> StartAsync() => NodeProcess.StartAsync(files, "workers.gc { schedule = \"every 500ms\", retry.first-pause = 50ms }");

    private async Task<long> DoneAsync(NodeProcess node)
    {
        var worker = (await JsonAsync(node, "list")).GetProperty("workers").EnumerateArray().Single(w => Text(w, "worker") == Gc);
        return worker.GetProperty("answered").GetBoolean() ? worker.GetProperty("metrics").GetProperty("done").GetInt64() : 0;
    }

    private async Task<string[]> ChangesAsync(NodeProcess node) => [.. (await JsonAsync(node, "show", Gc)).GetProperty("changes").EnumerateArray().Select(change => Text(change, "to"))];

    private async Task<JsonElement> JsonAsync(NodeProcess node, params string[] command) => JsonDocument.Parse(await RunAsync(node, [.. command, "--json"])).RootElement;

    private async Task<string> RunAsync(NodeProcess node, params string[] command)
    {
        var (exitCode, output, error) = await CommandAsync(node, command);
        Assert.True(exitCode == VivimCommand.Success, $"{string.Join(' ', command)}: {error}");
        return output;
    }

    private async Task<string> FailAsync(NodeProcess node, params string[] command)
    {
        var (exitCode, _, error) = await CommandAsync(node, [.. command, "--json"]);
        Assert.Equal(VivimCommand.Failure, exitCode);
        return error;
    }

    private async Task<(int ExitCode, string Output, string Error)> CommandAsync(NodeProcess node, params string[] command)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await new VivimCommand(new KeyStore(files.PathOf("keys")), output, error)
            .RunAsync(["workers", .. command, .. At(node)]);
        return (exitCode, output.ToString(), error.ToString());
    }
}
