using Vivim.Actors.Tasks;
using Vivim.Actors.Workers;
using V1 = Vivim.Protocol.V1;

namespace Vivim.Gateway.Rpc;

/// <summary>Workers and their tasks as API messages.</summary>
internal static class WorkerMessageForms
{
    public static V1.ScaleWorkersResponse Of(string type, ScaleReport report) => new()
    {
        Type = type,
        Count = (uint)report.State.Count,
        Least = (uint)report.Least,
        Most = (uint)report.Most,
        Fixed = report.State.IsPinned,
        Load = report.Load,
        Draining = { report.State.Draining.Select(partition => $"{type}-{partition}") },
    };

    public static V1.Worker Of(WorkerReport report) => new()
    {
        Worker_ = report.Config.WorkerId,
        Type = report.Config.WorkerType,
        Answered = true,
        Node = report.Node,
        State = (V1.WorkerState)report.State,
        Since = (ulong)report.Since,
        Note = report.Note,
        Epoch = report.Epoch,
        Health = (V1.WorkerHealth)report.Health.Status,
        HealthMessage = report.Health.Message,
        Metrics = new V1.WorkerMetrics
        {
            Done = report.Metrics.Done,
            Failed = report.Metrics.Failed,
            InDoubt = (uint)report.Metrics.InDoubt,
            Waiting = (uint)report.Metrics.Waiting,
            Processing = Milliseconds(report.Metrics.Processing),
            Throttled = Milliseconds(report.Metrics.Throttled),
            Restarts = report.Metrics.Restarts,
        },
    };

    public static V1.WorkerConfig Of(WorkerConfig config) => new()
    {
        Priority = (uint)config.Priority,
        MaxMemory = (ulong)config.MaxMemory,
        MaxCpu = (uint)config.MaxCpu,
        Timeout = Milliseconds(config.Timeout),
        Attempts = (uint)config.RetryPolicy.Attempts,
        FirstPause = Milliseconds(config.RetryPolicy.First),
        LongestPause = Milliseconds(config.RetryPolicy.Longest),
        JitterPercent = (uint)config.RetryPolicy.JitterPercent,
        Dependencies = { config.Dependencies },
    };

    public static V1.WorkerSchedule Of(ScheduleState state) => new()
    {
        Name = state.Schedule.Name,
        Kind = state.Schedule.Kind,
        When = state.Schedule.When.Text,
        SkipsMissed = state.Schedule.Missed == MissedRuns.Skip,
        Next = (ulong)(state.Schedule.When.NextAfter(state.Last) ?? 0),
    };

    public static V1.WorkerChange Of(WorkerChange change) => new() { From = (V1.WorkerState)change.From, To = (V1.WorkerState)change.To, At = (ulong)change.At, Cause = change.Cause };

    public static V1.WorkerTask Of(WorkerTask task) => new()
    {
        Id = task.Id,
        Kind = task.Kind,
        Phase = (V1.TaskPhase)task.Phase,
        Idempotent = task.IsIdempotent,
        Attempts = (uint)task.Attempts,
        IntendedAt = (ulong)task.IntendedAt,
        DueAt = (ulong)task.DueAt,
        EndedAt = (ulong)task.EndedAt,
        Outcome = task.Outcome,
    };

    private static ulong Milliseconds(TimeSpan time) => (ulong)time.TotalMilliseconds;
}
