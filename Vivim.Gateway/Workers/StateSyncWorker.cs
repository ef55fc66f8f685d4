using Akka.Actor;
using Vivim.Actors.Workers;
using Vivim.Chain.StateSync;

namespace Vivim.Gateway.Workers;

/// <summary>
/// The worker side of state sync, one per node and bound to it. The sync itself runs at the node's start, before workers are hosted, and the serving
/// beside them (<see cref="StateSyncActor"/>): this tells what came of the one and how far the other is.
/// </summary>
internal sealed class StateSyncWorker(IActorRef stateSync) : ServiceWorker
{
    /// <summary>The name of its type.</summary>
    public const string TypeName = "statesync";

    /// <summary>Its one job: a report of all that is known, peers that were refused included. Changes nothing.</summary>
    public const string Report = "report";

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(10);

    public override IReadOnlyDictionary<string, bool> Jobs { get; } = new Dictionary<string, bool>(StringComparer.Ordinal) { [Report] = true };

    public override async Task Initialize(CancellationToken cancellationToken) => await Read(cancellationToken);

    public override Task Start(CancellationToken cancellationToken) => Task.CompletedTask;

    public override Task Stop(CancellationToken cancellationToken) => Task.CompletedTask;

    public override async Task<string> Execute(TaskAttempt attempt, CancellationToken cancellationToken)
    {
        var status = await Read(cancellationToken);
        return string.Join("; ", [Got(status), Offers(status), .. Problems(status), .. status.Refused.Select(refused => $"refused {refused.Peer}: {refused.Reason}")]);
    }

    public override async Task<WorkerHealth> CheckHealth(CancellationToken cancellationToken)
    {
        var status = await Read(cancellationToken);
        if (status.Problem is { } problem) return new WorkerHealth(HealthStatus.Degraded, problem);
        // One interval passes until the next, the other is for making it.
        if (status.Every > 0 && status.Behind > 2 * status.Every) return new WorkerHealth(HealthStatus.Degraded, $"{Offers(status)}, though one is due every {status.Every}");
        return new WorkerHealth(HealthStatus.Healthy, $"{Offers(status)}; {Got(status)}");
    }

    private static IEnumerable<string> Problems(StateSyncStatus status) => status.Problem is { } problem ? [problem] : [];

    private static string Got(StateSyncStatus status)
    {
        var refused = status.Refused.Count == 0 ? "" : $", {status.Refused.Count} peers refused: {string.Join(", ", status.Refused.Select(r => r.Peer))}";
        return status.Result is { } result
            ? $"came up from height {result.Height} in {result.Took.TotalSeconds:F1} s: {result.Chunks} chunks, {result.Reused} of them from before, {result.Bytes} bytes received{refused}"
            : $"came up by blocks: {status.Ended ?? "not yet"}{refused}";
    }

    private static string Offers(StateSyncStatus status) =>
        status.Every == 0 ? "offers no snapshots: there are no other nodes, or state-sync.every is 0"
        : status.Newest is not { } newest ? $"offers none yet: the first is made at a multiple of {status.Every}"
        : $"offers height {newest.Height} ({newest.Chunks} chunks, {newest.Bytes} bytes), {status.Behind} heights ago; served {status.ChunksServed} chunks, {status.BytesServed} bytes";

    private Task<StateSyncStatus> Read(CancellationToken cancellationToken) => stateSync.Ask<StateSyncStatus>(new ReadStateSync(), AnswerLimit, cancellationToken);
}
