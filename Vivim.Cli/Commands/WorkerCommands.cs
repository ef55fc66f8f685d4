using System.CommandLine;
using System.Globalization;
using Vivim.Client;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim workers list|show|restart|crash|scale|ping|tasks|resolve</c>: the service workers of a cluster and their durable tasks, for operators.</summary>
internal static class WorkerCommands
{
    private const string Automatic = "auto";

    /// <summary>Tasks that are listed: more than a worker keeps.</summary>
    private const int MaxTasks = 100_000;

    private static readonly Argument<string> Worker = new("WORKER") { Description = "The worker, as 'vivim workers list' prints it" };

    public static Command Build(VivimCommand vivim) => new("workers", "The service workers of a cluster and their tasks, for its operators")
    {
        Operate(vivim, new Command("list", "List the workers and how they are"), async (operation, context, cancellationToken) => List(context.Terminal, await operation.ListAsync(cancellationToken))),
        Operate(vivim, new Command("show", "Show a worker with its limits, schedules and last changes") { Worker }, async (operation, context, cancellationToken) =>
            Show(context.Terminal, await operation.ShowAsync(context.Arguments.GetRequiredValue(Worker), cancellationToken))),
        Operate(vivim, new Command("restart", "Have a worker stop, after what it has begun, and start again") { Worker }, async (operation, context, cancellationToken) =>
        {
            var worker = (await operation.RestartAsync(context.Arguments.GetRequiredValue(Worker), cancellationToken)).Worker;
            context.Terminal.ShowLine(View(worker), $"{worker.Worker_} is {Word(worker.State)}");
        }),
        Operate(vivim, new Command("crash", "Make a worker fail on purpose, to see what supervision and durable tasks are worth") { Worker }, async (operation, context, cancellationToken) =>
        {
            var worker = (await operation.CrashAsync(context.Arguments.GetRequiredValue(Worker), cancellationToken)).Worker;
            context.Terminal.ShowLine(View(worker), $"{worker.Worker_} was {Word(worker.State)} and fails now; see: vivim supervision watch --last 10");
        }),
        Operate(vivim, new Command("ping", "Ask a worker over the workers' bus whether it hears") { Worker }, async (operation, context, cancellationToken) =>
        {
            var worker = context.Arguments.GetRequiredValue(Worker);
            var took = (await operation.PingAsync(worker, cancellationToken)).Took;
            context.Terminal.ShowLine(new { worker, tookMicroseconds = took }, $"{worker} has answered in {took / 1_000.0:0.0} ms");
        }),
        Scale(vivim),
        Tasks(vivim),
        Resolve(vivim),
    };

    private static Command Scale(VivimCommand vivim)
    {
        var type = new Argument<string>("TYPE") { Description = "The type of the workers" };
        var count = new Argument<string>("COUNT") { Description = "How many are to accept tasks; auto leaves it to the load" };
        count.Validators.Add(result =>
        {
            if (CountOf(result.GetValueOrDefault<string>()) is null) result.AddError($"COUNT is a number from 1, or {Automatic}");
        });
        return Operate(vivim, new Command("scale", "Fix how many workers of a type accept tasks, or leave it to the load") { type, count }, async (operation, context, cancellationToken) =>
        {
            var answer = await operation.ScaleAsync(context.Arguments.GetRequiredValue(type), CountOf(context.Arguments.GetRequiredValue(count))!.Value, cancellationToken);
            var view = new { type = answer.Type, count = answer.Count, least = answer.Least, most = answer.Most, @fixed = answer.Fixed, load = answer.Load, draining = answer.Draining.ToArray() };
            context.Terminal.ShowLine(view, $"{answer.Count} of {answer.Least} to {answer.Most} workers of type {answer.Type} accept tasks, {(answer.Fixed ? "fixed" : $"by their load, now {answer.Load:0.00}")}; {answer.Draining.Count} end what they have");
        });
    }

    /// <summary>0 for what the load asks; null for what is no count.</summary>
    private static uint? CountOf(string? text) => text == Automatic ? 0 : uint.TryParse(text, CultureInfo.InvariantCulture, out var count) && count > 0 ? count : null;

    private static Command Tasks(VivimCommand vivim)
    {
        var phase = new Option<string?>("--phase") { Description = "Only these: intended, started, done, in-doubt or failed" };
        phase.AcceptOnlyFromAmong("intended", "started", "done", "in-doubt", "failed");
        return Operate(vivim, new Command("tasks", "List a worker's open tasks, and the last that are over") { Worker, phase }, async (operation, context, cancellationToken) =>
        {
            var wanted = context.Arguments.GetValue(phase) is { } word ? Enum.GetValues<V1.TaskPhase>().First(p => Word(p) == word) : V1.TaskPhase.Unspecified;
            var tasks = new List<V1.WorkerTask>();
            var page = new V1.ListTasksResponse();
            do
            {
                page = await operation.ListTasksAsync(context.Arguments.GetRequiredValue(Worker), wanted, page.NextPageToken, cancellationToken);
                tasks.AddRange(page.Tasks);
            }
            while (page.NextPageToken.Length > 0 && page.Tasks.Count > 0 && tasks.Count < MaxTasks);
            context.Terminal.Show(new { tasks = tasks.Select(View).ToList() }, text => text.Table(
                ["task", "job", "phase", "attempts", "due", "ended", "outcome"],
                tasks.Select(task => (string[])[task.Id, task.Kind, Word(task.Phase), $"{task.Attempts}", Time(task.DueAt), Time(task.EndedAt), task.Outcome])));
        });
    }

    private static Command Resolve(VivimCommand vivim)
    {
        var task = new Argument<string>("TASK") { Description = "The task, as 'vivim workers tasks' prints it" };
        var decision = new Argument<string>("DECISION") { Description = "done: its effect has taken place; again: it has not, or does no harm twice" };
        decision.AcceptOnlyFromAmong("done", "again");
        return Operate(vivim, new Command("resolve", "Decide about a task in doubt, or have a failed one tried again") { Worker, task, decision }, async (operation, context, cancellationToken) =>
        {
            var decided = context.Arguments.GetRequiredValue(decision) == "done" ? V1.TaskDecision.Done : V1.TaskDecision.Again;
            var answer = await operation.ResolveTaskAsync(context.Arguments.GetRequiredValue(Worker), context.Arguments.GetRequiredValue(task), decided, cancellationToken);
            context.Terminal.ShowLine(View(answer.Task), $"{answer.Task.Id} is {Word(answer.Task.Phase)}");
        });
    }

    private static Command Operate(VivimCommand vivim, Command command, Func<WorkerOperator, CommandContext, CancellationToken, Task> body) =>
        vivim.Operate(command, (client, key) => client.OperateWorkers(key), body);

    private static void List(Terminal terminal, V1.ListWorkersResponse answer) => terminal.Show(
        new { workers = answer.Workers.Select(View).ToList() },
        text => text.Table(
            ["worker", "node", "state", "health", "done", "failed", "in doubt", "waiting", "restarts", "note"],
            answer.Workers.Select(worker => worker.Answered
                ? (string[])[
                    worker.Worker_, worker.Node, Word(worker.State), Word(worker.Health), $"{worker.Metrics.Done}", $"{worker.Metrics.Failed}", $"{worker.Metrics.InDoubt}", $"{worker.Metrics.Waiting}",
                    $"{worker.Metrics.Restarts}", worker.Note]
                : [worker.Worker_, "", "no answer", "", "", "", "", "", "", worker.Note])));

    private static void Show(Terminal terminal, V1.ShowWorkerResponse answer)
    {
        var (worker, config) = (answer.Worker, answer.Config);
        var view = new
        {
            worker = View(worker),
            config = new
            {
                priority = config.Priority,
                maxMemory = config.MaxMemory,
                maxCpu = config.MaxCpu,
                timeoutMs = config.Timeout,
                retryPolicy = new { attempts = config.Attempts, firstPauseMs = config.FirstPause, longestPauseMs = config.LongestPause, jitterPercent = config.JitterPercent },
                dependencies = config.Dependencies.ToArray(),
            },
            schedules = answer.Schedules.Select(schedule => new { name = schedule.Name, job = schedule.Kind, when = schedule.When, missed = schedule.SkipsMissed ? "skip" : "run-once", next = schedule.Next }).ToList(),
            changes = answer.Changes.Select(change => new { from = Word(change.From), to = Word(change.To), at = change.At, cause = change.Cause }).ToList(),
        };
        terminal.Show(view, text =>
        {
            text.Fields(Fields(worker, config));
            if (answer.Schedules.Count > 0)
                text.Table(["schedule", "job", "when", "missed runs", "next"], answer.Schedules.Select(s => (string[])[s.Name, s.Kind, s.When, s.SkipsMissed ? "skip" : "run once", Time(s.Next)]));
            text.Table(["at", "from", "to", "cause"], answer.Changes.Select(c => (string[])[Time(c.At), Word(c.From), Word(c.To), c.Cause]));
        });
    }

    private static IEnumerable<(string Name, object? Value)> Fields(V1.Worker worker, V1.WorkerConfig config) =>
    [
        ("worker", worker.Worker_), ("node", worker.Node), ("state", worker.Note.Length > 0 ? $"{Word(worker.State)}: {worker.Note}" : Word(worker.State)), ("since", Time(worker.Since)),
        ("life", $"{worker.Epoch}, {worker.Metrics.Restarts} after a failure"), ("health", $"{Word(worker.Health)}: {worker.HealthMessage}"),
        ("tasks", $"{worker.Metrics.Done} done, {worker.Metrics.Failed} failed, {worker.Metrics.InDoubt} in doubt, {worker.Metrics.Waiting} waiting"),
        ("time", $"{Span(worker.Metrics.Processing)} at work, {Span(worker.Metrics.Throttled)} held back"),
        ("priority", $"{config.Priority}"), ("limits", $"{config.MaxCpu} % of a processor, {config.MaxMemory} bytes of tasks, {Span(config.Timeout)} a task"),
        ("retry", $"{config.Attempts} attempts, {Span(config.FirstPause)} to {Span(config.LongestPause)} apart, less up to {config.JitterPercent} %"),
        ("depends on", config.Dependencies.Count == 0 ? "nothing" : string.Join(", ", config.Dependencies)),
    ];

    private static object View(V1.Worker worker) => new
    {
        worker = worker.Worker_,
        type = worker.Type,
        answered = worker.Answered,
        node = worker.Node,
        state = worker.Answered ? Word(worker.State) : null,
        since = worker.Since,
        note = worker.Note,
        epoch = worker.Epoch,
        health = worker.Answered ? Word(worker.Health) : null,
        healthMessage = worker.HealthMessage,
        metrics = worker.Metrics is { } metrics
            ? new
            {
                done = metrics.Done,
                failed = metrics.Failed,
                inDoubt = metrics.InDoubt,
                waiting = metrics.Waiting,
                processingMs = metrics.Processing,
                throttledMs = metrics.Throttled,
                restarts = metrics.Restarts,
            }
            : null,
    };

    private static object View(V1.WorkerTask task) => new
    {
        id = task.Id,
        job = task.Kind,
        phase = Word(task.Phase),
        idempotent = task.Idempotent,
        attempts = task.Attempts,
        intendedAt = task.IntendedAt,
        dueAt = task.DueAt,
        endedAt = task.EndedAt,
        outcome = task.Outcome,
    };

    private static string Word(V1.WorkerState state) => state.ToString().ToLowerInvariant();

    private static string Word(V1.WorkerHealth health) => health == V1.WorkerHealth.Unspecified ? "unknown" : health.ToString().ToLowerInvariant();

    private static string Word(V1.TaskPhase phase) => phase == V1.TaskPhase.InDoubt ? "in-doubt" : phase.ToString().ToLowerInvariant();

    private static string Span(ulong milliseconds) => milliseconds < 1_000 ? $"{milliseconds} ms" : $"{milliseconds / 1_000.0:0.#} s";

    private static string Time(ulong milliseconds) =>
        milliseconds == 0 ? "" : DateTimeOffset.FromUnixTimeMilliseconds((long)milliseconds).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
