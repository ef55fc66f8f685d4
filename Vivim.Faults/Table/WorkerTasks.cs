using Vivim.Client;
using Vivim.Faults.Processes;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Faults.Table;

/// <summary>
/// Tasks of a worker that is bound to a node which is killed: no other node may do them, so they wait in the shared journal and are done when it is back.
/// </summary>
internal static class WorkerTasks
{
    private const int Killed = 3, BeforeKill = 30, Most = 150;
    private const string Report = "report";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <exception cref="FaultsException">A task that was acknowledged is not done in the end, or somebody else says that the worker runs.</exception>
    public static async Task SurviveAsync(FaultRun run)
    {
        var node = run.Cluster[Killed];
        var worker = $"statesync-{node.Name}";
        using var key = run.Cluster.OperatorKey();
        var workers = run.Cluster[1].Client.OperateWorkers(key);
        var acknowledged = new List<string>();
        var submitting = SubmitAsync(workers, worker, acknowledged, run.Cancellation);
        await Wait.UntilAsync(() => Task.FromResult(acknowledged.Count >= BeforeKill || submitting.IsCompleted), Limit, $"{BeforeKill} tasks are acknowledged", run.Cancellation);
        run.Say($"kill -9 of {node.Name}");
        await node.KillForGoodAsync();
        await submitting;
        if (acknowledged.Count < BeforeKill) throw new FaultsException($"{worker} has acknowledged {acknowledged.Count} tasks only");

        await run.WaitAsync(20);
        var refusal = await RefusalAsync(workers, worker, run.Cancellation) ?? throw new FaultsException($"{worker} is said to run, though {node.Name} is down");
        run.Say($"{node.Name} starts again");
        node.Start();
        IReadOnlyDictionary<string, V1.WorkerTask> done = new Dictionary<string, V1.WorkerTask>();
        await Wait.UntilAsync(
            async () =>
            {
                done = await DoneAsync(workers, worker, run.Cancellation);
                return acknowledged.TrueForAll(done.ContainsKey);
            },
            Limit,
            $"the {acknowledged.Count} tasks that {worker} has acknowledged are done",
            run.Cancellation);
        run.Note($"{acknowledged.Count} tasks acknowledged, all done; {acknowledged.Count(id => done[id].Attempts > 1)} of them begun twice; while the node is down: {refusal}");
    }

    private static async Task SubmitAsync(WorkerOperator workers, string worker, List<string> acknowledged, CancellationToken cancellation)
    {
        try
        {
            for (var i = 0; i < Most; i++)
            {
                var id = $"task-{i:D3}";
                await workers.SubmitTaskAsync(worker, id, Report, cancellationToken: cancellation);
                acknowledged.Add(id);
            }
        }
        catch (VivimException)
        {
            // Killed: whether the last one was taken nobody has said.
        }
    }

    /// <summary>Why a worker cannot be asked; null where it can.</summary>
    private static async Task<string?> RefusalAsync(WorkerOperator workers, string worker, CancellationToken cancellation)
    {
        try
        {
            await workers.ShowAsync(worker, cancellation);
            return null;
        }
        catch (VivimException e)
        {
            return e.Reason;
        }
    }

    /// <summary>By id; none while the worker cannot be asked.</summary>
    private static async Task<IReadOnlyDictionary<string, V1.WorkerTask>> DoneAsync(WorkerOperator workers, string worker, CancellationToken cancellation)
    {
        var done = new Dictionary<string, V1.WorkerTask>(StringComparer.Ordinal);
        try
        {
            var token = "";
            do
            {
                var page = await workers.ListTasksAsync(worker, V1.TaskPhase.Done, token, cancellation);
                foreach (var task in page.Tasks) done.Add(task.Id, task);
                token = page.NextPageToken;
            }
            while (token.Length > 0);
            return done;
        }
        catch (VivimException)
        {
            return new Dictionary<string, V1.WorkerTask>(StringComparer.Ordinal);
        }
    }
}
